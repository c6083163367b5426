import { map, Subject } from 'rxjs';
import {
  createClient,
  encodeFrame,
  NewMiningJob,
  ofMessage,
  sendToServer,
  SetupConnectionSuccess,
  type Message,
  type MiningClientHandler,
} from 'rx-sv2';
import { testConnection, testConnector } from 'rx-sv2/testing';
import { microseconds, takeTurns } from './measure.js';
import { share } from './messages.js';
import { amount, reach, type Section } from './table.js';

const rounds = 41;

/** What watching for silence adds to a message's way through a client and the answer to it, without sockets, ciphers and decoding. */
export async function silenceSections(): Promise<readonly Section[]> {
  const watched = client({ inactivityLimit: 3_600_000 });
  const unwatched = client({});
  const times = await takeTurns(rounds, {
    watched: microseconds(watched.message),
    unwatched: microseconds(unwatched.message),
  });
  watched.stop();
  unwatched.stop();
  const added = times.watched / times.unwatched - 1;
  return [
    {
      title: 'A message through a client that watches for silence, and its handler’s answer',
      baseline: 'one that does not',
      rows: [
        {
          what: '`inactivityLimit` of an hour',
          figure: amount(times.watched, 'µs'),
          baseline: amount(times.unwatched, 'µs'),
          ratio: `+ ${(100 * added).toFixed(1)} %`,
          target: reach('< 5 % added', added < 0.05),
          limit: 'a Subject, and a timer now and then',
        },
      ],
    },
  ];
}

/** A client whose handler is given a message with each call. */
function client(options: { readonly inactivityLimit?: number }) {
  const message$ = new Subject<Message>();
  let received = 0;
  const handler: MiningClientHandler = (event$) =>
    event$.pipe(
      ofMessage(NewMiningJob),
      map(({ message: { channelId } }) => {
        received += 1;
        return sendToServer(share(received, channelId));
      }),
    );
  // what a test would remember, this forgets
  const send = (...sent: readonly Message[]): void => sent.forEach((message) => encodeFrame(message));
  const service = createClient({
    mining: { connect: testConnector([{ ...testConnection(message$), send }]), handler },
    ...options,
  });
  const running = service.start().subscribe();
  message$.next(SetupConnectionSuccess({ usedVersion: 2, flags: 0 }));
  const job = NewMiningJob({
    channelId: 1,
    jobId: 1,
    minNtime: null,
    version: 0,
    merkleRoot: new Uint8Array(32),
  });
  return {
    message(): void {
      const before = received;
      message$.next(job);
      if (received !== before + 1) throw new Error('a message did not reach the handler');
    },
    stop: () => running.unsubscribe(),
  };
}
