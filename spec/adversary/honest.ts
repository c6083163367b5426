/** Miners that do everything right, and notice when they are not served. */
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
import { authority } from '../bench/keys.js';
import { setupConnection } from '../bench/stratum-socket.js';
import { until } from './until.js';

/** After so many milliseconds without an answer a miner is lost. */
const patience = 10_000;

export interface HonestMiner {
  /** Why it was lost, if it was. */
  readonly lost: string | undefined;
  /** Submits a share and waits for the answer. Returns milliseconds. */
  share(): Promise<number>;
  close(): void;
}

/** Connects, opens a channel, and waits for work. */
export async function honestMiner(port: number, name: string): Promise<HonestMiner> {
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
    complete: () => gone('the pool closed the connection'),
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
  return {
    get lost() {
      return lost;
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
        await answered;
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
