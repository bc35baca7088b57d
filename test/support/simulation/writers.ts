import type {Write} from './api.ts';
import type {Simulation} from './simulation.ts';

/**
 * Writes of operators that did not hold the lease at the moment when they arrived at the server; `graceMs`: nor had
 * held it until so long before.
 */
export function intruders(simulation: Simulation, graceMs = 0): Write[] {
  const lost = new Map<string | undefined, number>();
  let last: string | undefined;
  return simulation.api.writes.filter(({at, by, holder, kind}) => {
    if (holder !== last) lost.set(last, at);
    last = holder;
    if (!by.startsWith('operator-') || kind === 'Lease' || kind === 'Event' || holder === by) return false;
    return at >= (lost.get(by) ?? -Infinity) + graceMs;
  });
}
