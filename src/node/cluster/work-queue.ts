/** What must not be lost on its way to a core: values that are kept, in pieces, until the core is done with them. */
import {
  asyncScheduler,
  defer,
  merge,
  mergeMap,
  of,
  retry,
  switchMap,
  timer,
  type Observable,
  type SchedulerLike,
} from 'rxjs';
import { Sv2Error } from '../../codec/errors.js';
import type { PortMessage } from '../../roles/cluster/port.js';
import { decodeEnvelope, encodeEnvelope, maxText, piecesOf, tooLarge, valueOf } from './envelope.js';

/** A value that the core has to be done with. It can come again, also after that. */
export interface QueuedItem {
  /** Whose it is. */
  readonly serverId: number;
  readonly id: string;
  readonly value: unknown;
  /** It need not come again. */
  done(): void;
}

/** See {@link workQueue}. */
export interface WorkQueue {
  /**
   * Keeps a value; of those of one id within two minutes only one is kept.
   * @param id 1 to 48 characters
   * @returns whether one of that id was kept before
   * @throws Sv2Error `ledger-unavailable` where it is not known whether it is kept
   */
  put(serverId: number, id: string, value: PortMessage): Promise<{ readonly isKnown: boolean }>;
  /**
   * What is kept, of each server in its order, and what comes while subscribed: all that is not done comes again with each
   * connection, at once. One subscriber at a time, in the whole cluster.
   */
  readonly item$: Observable<QueuedItem>;
}

/** A message that is kept: a piece of a value. */
export interface KeptMessage {
  /** Whose it is. */
  readonly serverId: number;
  readonly bytes: Uint8Array;
  /** It need not come again. */
  done(): void;
}

/** What keeps messages, on whatever machine: JetStream, by `natsWorkQueue`. */
export interface MessageKeeper {
  /** Bytes that a message may have. */
  readonly maxBytes: number;
  /** Keeps a message. @returns whether one of that id was kept before @throws where that is not known */
  keep(serverId: number, id: string, bytes: Uint8Array): Promise<{ readonly isKnown: boolean }>;
  /** What is kept, of each server in its order, and what comes while subscribed. Errors where it cannot be taken now. */
  readonly message$: Observable<KeptMessage>;
  /** That it is there again after it was away: what is not done is to be taken anew. */
  readonly back$: Observable<unknown>;
}

/** Options of {@link workQueue}. */
export interface WorkQueueOptions {
  /** What it is called, for people. */
  readonly name: string;
  /** Told of what cannot be read: Sv2Error. Nobody can, so that it is not kept. */
  readonly onError: (error: unknown) => void;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** Milliseconds between two attempts to take what is kept. */
const takeAgain = 1_000;

/** Makes values of pieces, which come in order unless something is lost; then all of them come again. */
const assembler = (onError: (error: unknown) => void): ((message: KeptMessage) => QueuedItem[]) => {
  const unfinished = new Map<string, { pieces: Uint8Array[]; messages: KeptMessage[]; size: number }>();
  return (message) => {
    const { serverId } = message;
    try {
      const { from: id, sent, more, piece } = decodeEnvelope(message.bytes);
      const key = `${serverId} ${id}`;
      const before = unfinished.get(key);
      const begun = before?.pieces.length === sent - 1 ? before : { pieces: [], messages: [], size: 0 };
      if (begun.pieces.length !== sent - 1) return []; // its beginning is on its way again
      begun.pieces.push(piece);
      begun.messages.push(message);
      begun.size += piece.length;
      if (begun.size > maxText) throw tooLarge(begun.size);
      if (more) {
        unfinished.set(key, begun);
        return [];
      }
      unfinished.delete(key);
      const value = valueOf(begun.pieces);
      return [{ serverId, id, value, done: () => begun.messages.forEach((own) => own.done()) }];
    } catch (error) {
      onError(error);
      message.done();
      return [];
    }
  };
};

/**
 * A queue of values over what keeps messages.
 *
 * ```text
 * message$   -1-2---#          (1 and 2: two pieces of a value; the other side is lost)
 *                     1s -12-  (not done: they come again)
 * item$      ---v---- 1s --v-
 * ```
 */
export const workQueue = (
  keeper: MessageKeeper,
  { name, onError, scheduler = asyncScheduler }: WorkQueueOptions,
): WorkQueue => ({
  async put(serverId, id, value) {
    const pieces = piecesOf(value, keeper.maxBytes);
    let isKnown = false;
    try {
      for (const [index, piece] of pieces.entries()) {
        const sent = index + 1;
        const more = sent < pieces.length;
        const bytes = encodeEnvelope({ kind: 'value', from: id, sent, sentToAll: 0, more, piece });
        ({ isKnown } = await keeper.keep(serverId, `${id} ${sent}`, bytes));
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Sv2Error('ledger-unavailable', `cannot be kept in ${name}: ${why}`, { name }, error);
    }
    return { isKnown };
  },
  item$: merge(of(undefined), keeper.back$).pipe(
    switchMap(() =>
      defer(() => keeper.message$.pipe(mergeMap(assembler(onError)))).pipe(
        retry({ delay: () => timer(takeAgain, scheduler) }),
      ),
    ),
  ),
});
