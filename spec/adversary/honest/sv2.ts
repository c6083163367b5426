/** An honest miner of Stratum V2. */
import { filter, firstValueFrom, Subject, timeout } from 'rxjs';
import {
  blockHash,
  meetsTarget,
  miningClient,
  nextWork,
  OpenStandardMiningChannel,
  shareFrom,
  submission,
  workHeader,
  type Message,
  type MiningServerMessage,
} from 'rx-sv2';
import { connect } from 'rx-sv2/node';
import { authority } from '../../bench/keys.js';
import { setupConnection } from '../../bench/stratum-socket.js';
import { until } from '../until.js';
import { patience, type HonestMiner } from './miner.js';

/** Connects, opens a channel, and waits for work. */
export async function sv2Miner(port: number, name: string): Promise<HonestMiner> {
  const connection = await firstValueFrom(
    connect({
      host: '127.0.0.1',
      port,
      authorityPublicKey: authority.publicKey,
      handshakeTimeout: patience,
    }),
  );
  const message$ = new Subject<Message>();
  const channels = miningClient();
  let lost: string | undefined;
  let closing = false;
  const gone = (why: string) => {
    if (!closing) lost ??= why;
    message$.error(new Error(why));
  };
  const receiving = connection.message$.subscribe({
    next(message) {
      if (!message.type.startsWith('SetupConnection')) {
        channels.handle(message as MiningServerMessage, Date.now());
      }
      message$.next(message);
    },
    error: (error: unknown) => gone(String(error)),
    complete: () => gone('the connection was closed'),
  });
  const work = () => {
    const [channel] = channels.channels.values();
    return channel === undefined ? null : nextWork(channel, Date.now());
  };
  const request = OpenStandardMiningChannel({
    requestId: 1,
    userIdentity: name,
    nominalHashRate: 1_000,
    maxTarget: new Uint8Array(32).fill(0xff),
  });
  channels.request(request);
  connection.send(setupConnection(), request);
  await until(`${name} has work`, patience, () => lost !== undefined || work() !== null);

  let nonce = 0;
  let refused = 0;
  return {
    get lost() {
      return lost;
    },
    get refused() {
      return refused;
    },
    async share() {
      const [channel] = channels.channels.values();
      const current = work();
      if (lost !== undefined) throw new Error(lost);
      if (channel === undefined || current === null) throw new Error('there is no work');
      do nonce += 1;
      while (!meetsTarget(blockHash(workHeader(current, { nonce })), current.target));
      const share = submission(channel, shareFrom(current, { nonce }));
      const started = performance.now();
      const answered = firstValueFrom(
        message$.pipe(
          filter(
            (message) =>
              (message.type === 'SubmitShares.Success' &&
                message.lastSequenceNumber >= share.sequenceNumber) ||
              (message.type === 'SubmitShares.Error' && message.sequenceNumber === share.sequenceNumber),
          ),
          timeout(patience),
        ),
      );
      connection.send(share);
      try {
        if ((await answered).type === 'SubmitShares.Error') refused += 1;
      } catch (error) {
        lost ??= String(error);
        throw error;
      }
      return performance.now() - started;
    },
    close() {
      closing = true;
      receiving.unsubscribe(); // closes, too
    },
  };
}
