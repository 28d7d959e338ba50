import { Activity, Braces, KeyRound, ListChecks, type LucideIcon, Webhook } from 'lucide-react';
import { type ComponentType, lazy } from 'react';

/** Where the page is: each first segment is a path that the server answers with it, see crates/server/src/page.rs. */
export interface PageEntry {
  path: string;
  Page: ComponentType<{ id: string }>;
}

export interface NavigationEntry {
  href: string;
  title: string;
  Icon: LucideIcon;
}

export const NAVIGATION: NavigationEntry[] = [
  { href: '/webhooks', title: 'Webhooks', Icon: Webhook },
  { href: '/logs', title: 'Logs', Icon: ListChecks },
  { href: '/live', title: 'Live', Icon: Activity },
  { href: '/event-types', title: 'Event types', Icon: Braces },
  { href: '/keys', title: 'Keys', Icon: KeyRound },
];

/** `:id` is given to the page; the first that matches is shown. */
export const PAGES: PageEntry[] = [
  { path: '/webhooks', Page: lazy(() => import('../pages/webhooks/WebhookList.tsx')) },
  { path: '/webhooks/new', Page: lazy(() => import('../pages/webhooks/NewWebhook.tsx')) },
  { path: '/webhooks/:id/edit', Page: lazy(() => import('../pages/webhooks/EditWebhook.tsx')) },
  { path: '/webhooks/:id', Page: lazy(() => import('../pages/webhooks/WebhookPage.tsx')) },
  { path: '/logs', Page: lazy(() => import('../pages/logs/DeliveryList.tsx')) },
  { path: '/logs/:id', Page: lazy(() => import('../pages/logs/DeliveryPage.tsx')) },
  { path: '/live', Page: lazy(() => import('../pages/live/Live.tsx')) },
  { path: '/event-types', Page: lazy(() => import('../pages/event-types/EventTypeList.tsx')) },
  { path: '/event-types/:id', Page: lazy(() => import('../pages/event-types/EventTypePage.tsx')) },
  { path: '/keys', Page: lazy(() => import('../pages/keys/KeyList.tsx')) },
];
