import { describe, expect, it } from '@jest/globals';
import { ConnectionQueue, sendQueues } from '../../src/transport/send-queues.js';
import type { ByteStream } from '../../src/transport/byte-stream.js';
import { unreadBytes } from '../../src/transport/limits.js';

function clients(maxBytes: number, count: number) {
  const queues = sendQueues(maxBytes);
  const dropped: string[] = [];
  const errors: unknown[] = [];
  const all = Array.from({ length: count }, (_, index) => {
    const queue = {
      address: `${index}`,
      queuedBytes: 0,
      drop(error: unknown) {
        dropped.push(queue.address);
        errors.push(error);
        queue.queuedBytes = 0;
        queues.left(queue);
      },
      write(bytes: number) {
        queue.queuedBytes += bytes;
        queues.wrote(queue);
      },
    };
    return queue;
  });
  return { queues, all, dropped, errors };
}

describe('the send queues of a listener', () => {
  it('are limited together: those for whom most waits go, until there is room again', () => {
    const { all, dropped, errors } = clients(1000, 5);
    [100, 400, 200, 300].forEach((bytes, index) => all[index]?.write(bytes));
    expect(dropped).toEqual([]);
    all[4]?.write(1);
    expect(dropped).toEqual(['1']); // 601 are left, which is below 750
    expect(errors).toMatchObject([
      {
        code: 'slow-consumer',
        detail: { queuedBytes: 400, queuedBytesInAll: 1001, maxQueuedBytesInAll: 1000 },
      },
    ]);
  });

  it('count what waits now, not what has been sent since', () => {
    const { all, dropped } = clients(1000, 10);
    for (const queue of all) {
      queue.write(900);
      queue.queuedBytes = 0;
    }
    expect(dropped).toEqual([]);
    all[0]?.write(1001);
    expect(dropped).toEqual(['0']);
  });

  it('go until a quarter is free, not one by one at each write after', () => {
    const { all, dropped } = clients(1000, 5);
    for (const [index, queue] of all.entries()) queue.write(210 + index);
    expect(dropped).toEqual(['4', '3']); // 846, then 633 are left
  });

  it('may hold together as much as is allowed, counted anew, and nobody goes', () => {
    const { all, dropped } = clients(1000, 3);
    all[0]?.write(900);
    if (all[0] !== undefined) all[0].queuedBytes = 500; // 400 have been taken since
    all[1]?.write(500);
    expect(dropped).toEqual([]);
    all[2]?.write(1);
    expect(dropped).toEqual(['0']);
  });

  it('forget those who have gone', () => {
    const { queues, all, dropped } = clients(1000, 2);
    all[0]?.write(900);
    queues.left(all[0]!);
    all[1]?.write(1000);
    expect(dropped).toEqual([]);
  });
});

describe('the send queue of a connection', () => {
  const connection = (maxBytes: number, all?: ReturnType<typeof sendQueues>) => {
    const errors: unknown[] = [];
    const stream = { address: 'a', queuedBytes: 0 };
    const queue = new ConnectionQueue(stream as unknown as ByteStream, maxBytes, all, (error) =>
      errors.push(error),
    );
    return { stream, queue, errors };
  };

  it('may hold as much as is allowed, and not a byte more', () => {
    const { stream, queue, errors } = connection(1000);
    stream.queuedBytes = 1000;
    queue.wrote();
    expect(errors).toEqual([]);
    stream.queuedBytes = 1001;
    queue.wrote();
    expect(errors).toMatchObject([{ code: 'slow-consumer', detail: { queuedBytes: 1001 } }]);
  });

  it('says that a peer is not to be read while more waits for it than it may leave unread', () => {
    const { stream, queue } = connection(2 * unreadBytes, sendQueues(Infinity));
    const waiting = (bytes: number): boolean => {
      stream.queuedBytes = bytes;
      return queue.wrote();
    };
    expect([0, unreadBytes, unreadBytes + 1, 1, 0].map(waiting)).toEqual([false, false, true, false, false]);
  });

  it('has no say in what a server sends to whom it has dialled', () => {
    const { stream, queue } = connection(2 * unreadBytes);
    stream.queuedBytes = unreadBytes + 1;
    expect(queue.wrote()).toBe(false);
  });

  it('gives its room back when it has emptied', () => {
    const left: number[] = [];
    const { stream, queue } = connection(1000, {
      wrote: ({ queuedBytes }) => left.push(queuedBytes),
      left: () => left.push(-1),
    });
    for (const bytes of [0, 300, 0, 0]) {
      stream.queuedBytes = bytes;
      queue.wrote();
    }
    queue.left();
    expect(left).toEqual([300, 0]);
  });

  it('takes no room from others once its connection has ended, though it never emptied', () => {
    const { all, queues, dropped } = clients(1000, 1);
    const { stream, queue } = connection(1000, queues);
    stream.queuedBytes = 900;
    queue.wrote();
    queue.left();
    all[0]?.write(1000);
    expect(dropped).toEqual([]);
  });
});
