import type {Write} from './api.ts';
import type {Simulation} from './simulation.ts';

/** Writes of operators that did not hold the lease at the moment when they arrived at the server. */
export function intruders(simulation: Simulation): Write[] {
  return simulation.api.writes.filter(({by, holder, kind}) => {
    if (!by.startsWith('operator-') || kind === 'Lease' || kind === 'Event') return false;
    return holder !== by;
  });
}
