/** A queue in memory: what is not done comes again to whoever takes it next. */
import { concat, defer, from, Subject } from 'rxjs';
import { outcomeFromJson, outcomeToJson } from '../../../src/observe/json.js';
import type { QueuedItem, WorkQueue } from '../../../src/node/cluster/work-queue.js';

/** A queue, and what is kept in it. */
export interface MemoryQueue extends WorkQueue {
  readonly ids: readonly string[];
  /** Whether nothing can be kept now. */
  isAway: boolean;
}

/** Makes one. */
export const memoryQueue = (): MemoryQueue => {
  const kept = new Map<string, QueuedItem>();
  const known = new Set<string>();
  const item$ = new Subject<QueuedItem>();
  const queue: MemoryQueue = {
    isAway: false,
    get ids() {
      return [...kept.keys()];
    },
    put(serverId, id, value) {
      if (queue.isAway) return Promise.reject(new Error('it is away'));
      const key = `${serverId} ${id}`;
      if (known.has(key)) return Promise.resolve({ isKnown: true });
      known.add(key);
      const copy = outcomeFromJson<{ readonly type: string }>(
        JSON.parse(JSON.stringify(outcomeToJson(value))),
      );
      const item = { serverId, id, value: copy, done: () => void kept.delete(key) };
      kept.set(key, item);
      item$.next(item);
      return Promise.resolve({ isKnown: false });
    },
    item$: concat(
      defer(() => from([...kept.values()])),
      item$,
    ),
  };
  return queue;
};
