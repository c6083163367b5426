/** What must not be lost on its way to a core, in virtual time: what is kept comes whole, and again until it is done. */
import { describe, expect, it } from '@jest/globals';
import { map, mergeMap, NEVER, of, tap, type Observable } from 'rxjs';
import { encodeEnvelope, piecesOf } from '../src/node/cluster/envelope.js';
import { workQueue, type KeptMessage, type MessageKeeper } from '../src/node/cluster/work-queue.js';
import type { PortMessage } from '../src/roles/cluster/port.js';
import { marbles } from '../src/testing/marbles.js';

const maxBytes = 600;
const value = (text: string): PortMessage => ({ type: 'spec', text }) as PortMessage;
const large = 'x'.repeat(100); // two messages

/** The messages that a value is, each with a name that is told when it is done. */
const messagesOf = (
  serverId: number,
  id: string,
  text: string,
  done: (name: string) => void,
): KeptMessage[] =>
  piecesOf(value(text), maxBytes).map((piece, index, { length }) => {
    const more = index < length - 1;
    const envelope = { kind: 'value', from: id, sent: index + 1, sentToAll: 0, more, piece } as const;
    return { serverId, bytes: encodeEnvelope(envelope), done: () => done(`${serverId} ${id} ${index + 1}`) };
  });

const keeperOf = (
  message$: Observable<KeptMessage>,
  back$: Observable<unknown> = NEVER,
  keep: MessageKeeper['keep'] = () => Promise.resolve({ isKnown: false }),
): MessageKeeper => ({ maxBytes, keep, message$, back$ });

const ignore = () => undefined;

/** Items in a word each. */
const words = (item$: ReturnType<typeof workQueue>['item$']): Observable<string> =>
  item$.pipe(
    map(({ serverId, id, value: own }) => `${serverId} ${id} ${(own as { text: string }).text.slice(0, 3)}`),
  );

describe('a queue', () => {
  it('gives a value when its last piece is there, of several servers at once, and is done with all pieces of it', () => {
    const done: string[] = [];
    const [a, b] = messagesOf(1, 'one', large, (name) => done.push(name)) as [KeptMessage, KeptMessage];
    const [c] = messagesOf(2, 'one', 'c', (name) => done.push(name)) as [KeptMessage];
    marbles(({ cold, expectObservable }) => {
      const queue = workQueue(keeperOf(cold('-a-c-b-', { a, b, c })), { name: 'spec', onError: ignore });
      const item$ = queue.item$.pipe(tap((item) => item.done()));
      expectObservable(words(item$)).toBe('---c-a-', { a: '1 one xxx', c: '2 one c' });
    });
    expect(done).toEqual(['2 one 1', '1 one 1', '1 one 2']);
  });

  it('is taken anew a second after it could not be, from the first piece of what was not whole', () => {
    const [a, b] = messagesOf(1, 'one', large, ignore) as [KeptMessage, KeptMessage];
    marbles(({ cold, expectObservable }) => {
      const turns = ['-a-#', '-b---ab---#', '--b'].map((diagram) => cold<KeptMessage>(diagram, { a, b }));
      let turn = -1;
      const message$ = of(undefined).pipe(mergeMap(() => turns[++turn] ?? NEVER));
      const { item$ } = workQueue(keeperOf(message$), { name: 'spec', onError: ignore });
      // in the first turn no second piece, in the second it comes ahead of the first, in the third alone
      expectObservable(words(item$), '5s !').toBe('1003ms ------a', { a: '1 one xxx' });
    });
  });

  it('is taken anew at once when what keeps it is back, by nobody else meanwhile', () => {
    const [c] = messagesOf(2, 'one', 'c', ignore) as [KeptMessage];
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const kept = cold<KeptMessage>('-c---', { c });
      const { item$ } = workQueue(keeperOf(kept, hot('----b')), { name: 'spec', onError: ignore });
      expectObservable(words(item$), '-------!').toBe('-c---c', { c: '2 one c' });
      expectSubscriptions(kept.subscriptions).toBe(['^---!', '----^--!']);
    });
  });

  it('tells what cannot be read, and does not keep it', () => {
    const [done, errors]: [string[], unknown[]] = [[], []];
    const broken = (text: string): KeptMessage => ({
      ...{ serverId: 1, bytes: new TextEncoder().encode(text), done: () => done.push(text) },
    });
    const [c] = messagesOf(2, 'one', 'c', (name) => done.push(name)) as [KeptMessage];
    marbles(({ cold, expectObservable }) => {
      const kept = cold('xyc', { x: broken('{}'), y: broken('{"version":1}\n'), c });
      const { item$ } = workQueue(keeperOf(kept), { name: 'spec', onError: (error) => errors.push(error) });
      expectObservable(words(item$)).toBe('--c', { c: '2 one c' });
    });
    expect(done).toEqual(['{}', '{"version":1}\n']);
    expect(errors).toMatchObject([{ code: 'invalid-cluster-message' }, { code: 'invalid-cluster-message' }]);
  });

  it('keeps pieces one after another under ids of their own, says whether the last was known, and what it could not keep', async () => {
    const kept: string[] = [];
    let fate: boolean | Error = false;
    const keep: MessageKeeper['keep'] = (serverId, id, { length }) => {
      if (fate instanceof Error) return Promise.reject(fate);
      kept.push(`${serverId} ${id}`);
      expect(length).toBeLessThanOrEqual(maxBytes);
      return Promise.resolve({ isKnown: fate });
    };
    const queue = workQueue(keeperOf(NEVER, NEVER, keep), { name: 'spec', onError: ignore });
    expect(await queue.put(7, 'one', value(large))).toEqual({ isKnown: false });
    fate = true;
    expect(await queue.put(7, 'two', value('c'))).toEqual({ isKnown: true });
    expect(kept).toEqual([
      ...[1, 2, 3].slice(0, piecesOf(value(large), maxBytes).length).map((n) => `7 one ${n}`),
      '7 two 1',
    ]);
    fate = new Error('it is away');
    await expect(queue.put(7, 'three', value('c'))).rejects.toMatchObject({
      ...{ code: 'ledger-unavailable', message: 'cannot be kept in spec: it is away' },
    });
  });
});
