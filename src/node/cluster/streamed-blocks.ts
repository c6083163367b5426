/** Blocks on their way to the core, kept until it is known what has become of them; ahead of shares, which have another way. */
import {
  concatMap,
  defer,
  ignoreElements,
  mergeMap,
  retry,
  Subject,
  tap,
  timer,
  type Observable,
} from 'rxjs';
import { bytesToHex } from '../../codec/hex.js';
import { triggerToPlain, upTriggerFrom, type UpTrigger } from '../../roles/cluster/trigger-codec.js';
import { SolutionFound } from '../../roles/pool/triggers.js';
import type { SiblingEvent } from '../../service/siblings.js';
import type { QueuedItem, WorkQueue } from './work-queue.js';

/** A front's side. */
export interface KeptBlocks {
  /** Takes a block, unless it is something else or there are too many. @returns whether it has */
  keeps(trigger: SiblingEvent): boolean;
  /** Has them kept while subscribed, one after another, again and again until they are. Emits nothing, never errors. */
  readonly sending$: Observable<never>;
  /** Resolves when all that were taken are kept. */
  written(): Promise<void>;
}

/** Blocks that may wait to be kept. */
const maxWaiting = 256;

/** Milliseconds between two attempts. */
const sendAgain = 500;

/** A front's side. @param onError is told when a block cannot be kept now */
export function keptBlocks(
  queue: Pick<WorkQueue, 'put'>,
  serverId: number,
  onError: (error: unknown) => void,
): KeptBlocks {
  const found$ = new Subject<ReturnType<typeof SolutionFound>>();
  let waiting = 0;
  let allKept: (() => void)[] = [];
  return {
    keeps(trigger) {
      if (!SolutionFound.match(trigger) || waiting >= maxWaiting) return false;
      waiting += 1;
      found$.next(trigger);
      return true;
    },
    sending$: found$.pipe(
      concatMap((found) => {
        const message = triggerToPlain(found);
        const id = bytesToHex(found.block.hash).slice(0, 48); // in wire order: not its zeros
        return defer(async () => {
          if (message !== undefined) await queue.put(serverId, id, message);
        }).pipe(
          retry({
            delay(error) {
              onError(error);
              return timer(sendAgain);
            },
          }),
        );
      }),
      tap(() => {
        waiting -= 1;
        if (waiting > 0) return;
        for (const resolve of allKept) resolve();
        allKept = [];
      }),
      ignoreElements(),
    ),
    written: () => (waiting === 0 ? Promise.resolve() : new Promise((resolve) => allKept.push(resolve))),
  };
}

/** The core's side. */
export interface BlocksFromQueue {
  /** Blocks that are kept and of which it is not known what has become of them, each once. */
  readonly trigger$: Observable<UpTrigger>;
  /** Takes note of what becomes of blocks, among all that happens at the core. */
  note(outcome: { readonly type: string }): void;
}

/** The block that a header is on, in hex. */
const previousOf = (header: Uint8Array): string => bytesToHex(header.subarray(4, 36));

/** The core's side. @param onError is told of what cannot be read */
export function blocksFromQueue(
  queue: Pick<WorkQueue, 'item$'>,
  onError: (error: unknown) => void,
): BlocksFromQueue {
  /** By hash, and with what they are on. */
  const pending = new Map<string, { readonly on: string; readonly items: QueuedItem[] }>();
  return {
    trigger$: queue.item$.pipe(
      mergeMap((item): UpTrigger[] => {
        try {
          const trigger = upTriggerFrom(item.value);
          if (!SolutionFound.match(trigger)) throw new TypeError(`a block, got ${trigger.trigger}`);
          const hash = bytesToHex(trigger.block.hash);
          const before = pending.get(hash);
          if (before !== undefined) {
            before.items.push(item);
            return [];
          }
          pending.set(hash, { on: previousOf(trigger.block.header), items: [item] });
          return [trigger];
        } catch (error) {
          onError(error);
          item.done();
          return [];
        }
      }),
    ),
    note(outcome) {
      if (outcome.type !== 'SolutionConfirmed' && outcome.type !== 'SolutionLost') return;
      // of several on one block only one could win
      const on = previousOf((outcome as { readonly header: Uint8Array } & typeof outcome).header);
      for (const [hash, { on: own, items }] of pending) {
        if (own !== on) continue;
        pending.delete(hash);
        for (const { done } of items) done();
      }
    },
  };
}
