/** What both sides of a cluster's sessions are told, and how long they wait for each other. */
import { asyncScheduler, type NextObserver, type SchedulerLike } from 'rxjs';

/** Options of {@link frontPorts} and {@link corePorts}. */
export interface SessionOptions {
  /** The cluster's name, 1 to 32 letters, digits, `-` and `_`; `sv2` unless given. */
  readonly cluster?: string;
  /** Milliseconds between two signs of life, 2,000 unless given; who is silent for more than three of them is gone. */
  readonly heartbeat?: number;
  /** Told why a session is over, and what was wrong with a message: Sv2Error. */
  readonly errorObserver?: Partial<NextObserver<unknown>>;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** Signs of life that may be missing. */
export const maxSilence = 3;

/** The options with what they are unless given. */
export const sessionOptions = ({
  cluster = 'sv2',
  heartbeat = 2_000,
  errorObserver = {},
  scheduler = asyncScheduler,
}: SessionOptions): Required<SessionOptions> => ({ cluster, heartbeat, errorObserver, scheduler });
