/** Miners of Stratum V1 that come all at once. */
import { describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { concat, endWith, firstValueFrom, Subject, VirtualTimeScheduler, type Observable } from 'rxjs';
import {
  acceptEither,
  acceptSv1Connections,
  type EitherAcceptOptions,
  type Sv1Connection,
} from '../../src/sv1/index.js';
import type { ByteStream } from '../../src/transport/byte-stream.js';
import { memoryStreams } from '../../src/testing/memory-streams.js';

const subscribe = new TextEncoder().encode('{"id":1,"method":"mining.subscribe","params":[]}\n');
const tlsHello = Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00);

type Options = Required<Pick<EitherAcceptOptions, 'nextTurn' | 'scheduler' | 'handshakeErrorObserver'>>;
type Accepted = Pick<Sv1Connection, 'peer'> | { readonly connection: Pick<Sv1Connection, 'peer'> };

/** A listener whose turns are taken by hand, while time stands still. */
function port(accept: (options: Options, stream$: Observable<ByteStream>) => Observable<Accepted>) {
  const asked: (() => void)[] = [];
  const come$ = new Subject<ByteStream>();
  const served: string[] = [];
  const refused: string[] = [];
  const options: Options = {
    nextTurn: (work) => asked.push(work),
    scheduler: new VirtualTimeScheduler(),
    handshakeErrorObserver: { next: ({ error }) => refused.push((error as { code: string }).code) },
  };
  const listening = accept(options, come$).subscribe((one) => {
    served.push(('connection' in one ? one.connection : one).peer.address);
  });
  return {
    served,
    refused,
    close: () => listening.unsubscribe(),
    /** One comes, and has said something. */
    async comes(name: string, said = subscribe): Promise<ByteStream> {
      const [near, far] = memoryStreams('pool', name);
      come$.next(far);
      near.write(said);
      await setImmediate(); // it arrives
      return near;
    },
    turn: () => asked.splice(0).forEach((work) => work()),
  };
}

describe.each([
  [
    'a port for Stratum V1',
    (options: Options, stream$: Observable<ByteStream>) => stream$.pipe(acceptSv1Connections(options, false)),
  ],
  [
    'a port for both',
    (options: Options, stream$: Observable<ByteStream>) => stream$.pipe(acceptEither(options)),
  ],
])('a farm that comes back all at once to %s', (name, accept) => {
  it('is let in one by one, the newest first, so that whoever is served already goes on being served', async () => {
    const { comes, served, turn } = port(accept);
    for (let index = 0; index < 6; index++) await comes(`miner ${index}`);
    expect(served).toEqual(['miner 0']); // nobody waited: at once
    turn();
    expect(served).toEqual(['miner 0', 'miner 5']);
    for (let index = 0; index < 4; index++) turn();
    expect(served.slice(2)).toEqual(['miner 4', 'miner 3', 'miner 2', 'miner 1']);
  });

  it('leaves nothing open when the port is closed meanwhile', async () => {
    const { comes, served, close, turn } = port(accept);
    await comes('first');
    const waiting = await comes('second');
    const ended = firstValueFrom(concat(waiting.chunk$, waiting.closed$).pipe(endWith('closed')));
    close();
    turn();
    expect(await ended).toBe('closed');
    expect(served).toEqual(['first']);
  });

  if (name.endsWith('V1'))
    it('tells who speaks TLS that it does, in its turn, and goes on with the next', async () => {
      const { comes, served, refused, turn } = port(accept);
      await comes('first');
      await comes('second');
      await comes('third', tlsHello);
      turn();
      turn();
      expect(refused).toEqual(['encryption-mismatch']);
      expect(served).toEqual(['first', 'second']);
    });
});
