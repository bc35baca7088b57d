/**
 * What is done first and given up last when there is more to do than can be done: ending sessions, telling whether one
 * stands, refreshing one, beginning new ones.
 */
export const URGENCIES = ['ending', 'check', 'refresh', 'login'] as const;
export type Urgency = (typeof URGENCIES)[number];

/** What a client is told with the 503: nobody is helped by all of them coming back at once. */
export function retryAfter(random: () => number = Math.random): number {
  return 1 + Math.floor(random() * 4);
}
