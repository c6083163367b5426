/** An honest miner of Stratum V2. */
import { firstValueFrom, tap } from 'rxjs';
import {
  blockHash,
  meetsTarget,
  miningClient,
  nextWork,
  OpenStandardMiningChannel,
  shareFrom,
  submission,
  workHeader,
  type MiningServerMessage,
} from 'rx-sv2';
import { connect } from 'rx-sv2/node';
import { authority } from '../../bench/keys.js';
import { setupConnection } from '../../bench/stratum-socket.js';
import { honestMiner, patience, type HonestMiner } from './miner.js';

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
  const channels = miningClient();
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
  let nonce = 0;
  return honestMiner({
    name,
    heard$: connection.message$.pipe(
      tap((message) => {
        if (!message.type.startsWith('SetupConnection'))
          channels.handle(message as MiningServerMessage, Date.now());
      }),
    ),
    hello() {
      channels.request(request);
      connection.send(setupConnection(), request);
    },
    hasWork: () => work() !== null,
    nextShare() {
      const [channel] = channels.channels.values();
      const current = work();
      if (channel === undefined || current === null) throw new Error('there is no work');
      do nonce += 1;
      while (!meetsTarget(blockHash(workHeader(current, { nonce })), current.target));
      const share = submission(channel, shareFrom(current, { nonce }));
      return {
        send: () => connection.send(share),
        isAnswer: (message) =>
          (message.type === 'SubmitShares.Success' && message.lastSequenceNumber >= share.sequenceNumber) ||
          (message.type === 'SubmitShares.Error' && message.sequenceNumber === share.sequenceNumber),
        isRefusal: ({ type }) => type === 'SubmitShares.Error',
      };
    },
  });
}
