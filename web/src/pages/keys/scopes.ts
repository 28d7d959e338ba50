import type { Scope } from '@cstar/client';

/** What each scope opens, in the words of those who give a key away. */
export const SCOPES: Record<Scope, string> = {
  'events:write': 'Publish events',
  'events:read': 'Read events, and follow them live',
  'webhooks:read': 'See webhooks',
  'webhooks:write': 'Create, change and delete webhooks',
  'deliveries:read': 'Read the logs',
  'deliveries:write': 'Resend deliveries',
  'keys:write': 'Make and revoke keys, and end streams',
  'audit:read': 'Read who changed what',
};
