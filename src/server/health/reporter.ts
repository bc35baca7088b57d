import type {Logger} from '../../support/logging.ts';
import type {Metrics} from '../metrics.ts';
import {explain} from '../providers/failures.ts';
import type {DependencyState} from './dependency.ts';

/** Told how something is that the server needs, whenever that changes. */
export type Report = (
  name: string,
  state: DependencyState,
  fault: string | undefined,
  error: unknown,
) => void;

/** Tells the metrics and the log. */
export function reporter(metrics: Metrics, logger: Logger): Report {
  return (name, state, fault, error) => {
    metrics.dependency(name, state === 'up', fault);
    if (state === 'up') logger.info({dependency: name}, 'available');
    else logger.error({dependency: name, fault, cause: explain(error)}, 'not available');
  };
}
