/** Miners with a standard channel each, of which every hash is a share. */
import { miningSetupFlags, OpenStandardMiningChannel, SubmitSharesStandard, type Message } from 'rx-sv2';
import { sealedFleetOf, type Fleet } from './fleets.js';
import { openMany, openStratumSocket } from './stratum-socket.js';

/**
 * Connections that each have one share under way at a time, which is valid and no other's.
 * @param onRequest called before each share
 */
export async function miningFleet(
  port: number,
  count: number,
  onRequest: () => void = () => undefined,
): Promise<Fleet> {
  const miners = await openMany(count, (index) => openMiner(port, index));
  let sequenceNumber = 0;
  return sealedFleetOf(
    miners.map(({ client }) => client),
    (miner) => {
      sequenceNumber += 1;
      const { work } = miners[miner] as (typeof miners)[number];
      return SubmitSharesStandard({ ...work, sequenceNumber, nonce: sequenceNumber });
    },
    onRequest,
  );
}

async function openMiner(port: number, index: number) {
  const client = await openStratumSocket(port, miningSetupFlags.requiresStandardJobs);
  const request = OpenStandardMiningChannel({
    requestId: index,
    userIdentity: `miner.${index}`,
    nominalHashRate: 0.001,
    maxTarget: new Uint8Array(32).fill(0xff),
  });
  const messages = [...(await client.request([request], 1))];
  for (;;) {
    const work = workOf(messages);
    if (work !== undefined) return { client, work };
    messages.push(...(await client.request([], 1)));
  }
}

/** What its shares are for, once it has a job and what that builds on. */
function workOf(messages: readonly Message[]) {
  let [channelId, ntime]: (number | undefined)[] = [];
  let job: { readonly jobId: number; readonly version: number } | undefined;
  for (const message of messages) {
    switch (message.type) {
      case 'OpenStandardMiningChannel.Success':
        ({ channelId } = message);
        break;
      case 'NewMiningJob':
        job = message;
        ntime = message.minNtime ?? undefined;
        break;
      case 'SetNewPrevHash':
        ntime = message.minNtime;
        break;
      case 'SetTarget':
        break;
      default:
        throw new Error(`opening a channel was answered with ${message.type}`);
    }
  }
  if (channelId === undefined || job === undefined || ntime === undefined) return undefined;
  return { channelId, jobId: job.jobId, version: job.version, ntime };
}
