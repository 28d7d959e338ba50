// The fourteen types, in the order of the published documentation.
export const EVENT_TYPES = [
  'ticket.created',
  'ticket.updated',
  'ticket.closed',
  'ticket.message_added',
  'customer.created',
  'customer.updated',
  'article.created',
  'article.published',
  'article.updated',
  'boss.spawned',
  'boss.defeated',
  'player.level_up',
  'achievement.unlocked',
  'survey.submitted',
];
