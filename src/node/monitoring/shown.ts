/** Miners and template providers as the dashboard shows them, which is made for those who serve miners. */
import { difficultyFromTarget, targetFromNbits } from '../../bitcoin/target.js';
import type { WorkerState } from '../../observe/downstream-types.js';
import type { JdServerState } from '../../observe/jd-server-state.js';
import type { Showable } from '../../observe/live.js';
import type { MinerShares, MinerState } from '../../observe/miner-state.js';
import type { Shares } from '../../observe/tally.js';
import type { TemplateProviderState } from '../../observe/template-provider-state.js';
import { defaultWindows, type HashRates } from '../../observe/windows.js';

const sharesOf = ({ accepted, rejected, rejectedByCode, lastAcceptedAt }: MinerShares): Shares => ({
  ...{ accepted, rejected, rejectedByCode, lastAcceptedAt, lastRejectedAt: null, lastSequenceNumber: null },
  ...{ work: 0, bestDifficulty: 0, lastDifficulty: 0, blocksFound: 0 },
});

/** A hash rate that is measured, and not told from shares: it is what it is. */
const measured = (value: number): HashRates =>
  Object.fromEntries(
    defaultWindows.map((name) => [name, { value, low: value, high: value, seconds: 1 }]),
  ) as unknown as HashRates;

/** A miner: its channels are the workers. */
export function shownMiner(state: MinerState): Showable {
  const { time, startedAt, role, channels, measuredHashRate, shares, upstreams, problems } = state;
  const each = measured(measuredHashRate / Math.max(1, channels.length));
  const workers = channels.map(({ channelId, kind, difficulty, openedAt, shares: own }): WorkerState => ({
    ...{ user: `channel ${channelId}`, worker: '', clientId: 0, channelId, isConnected: true },
    ...{ device: kind, address: upstreams[0]?.address ?? '', since: openedAt },
    shares: { ...sharesOf(own), lastDifficulty: difficulty },
    hashRate: each,
  }));
  const hashRate = measured(measuredHashRate);
  return { time, startedAt, role, upstreams, problems, shares: sharesOf(shares), hashRate, workers };
}

/** A template provider: what it builds on, and the blocks that came. */
export function shownProvider(state: TemplateProviderState): Showable {
  const { time, startedAt, role, clients, tip, template, blocks, problems } = state;
  return {
    ...{ time, startedAt, role, clients, problems },
    tip: tip === null ? null : { ...tip, difficulty: difficultyFromTarget(targetFromNbits(tip.nbits)) },
    template: template === null ? null : { ...template, value: template.fees, isOld: false },
    blocks: blocks.map(({ hash, height, clientId, at, isAccepted, reason }) => ({
      ...{ hash: hash ?? reason, prevHash: '', height, foundAt: at, user: `client ${clientId}`, worker: '' },
      ...{
        clientId,
        channelId: 0,
        fate: isAccepted ? ('confirmed' as const) : ('lost' as const),
        fateAt: at,
      },
    })),
  };
}

/** A job declaration server: its clients, and the blocks of declared jobs. */
export function shownDeclarator(state: JdServerState): Showable {
  const { time, startedAt, role, clients, blocks, problems } = state;
  return {
    ...{ time, startedAt, role, clients, problems },
    blocks: blocks.map(({ hash, height, clientId, foundAt, fate, fateAt }) => ({
      ...{ hash, prevHash: '', height, foundAt, fate, fateAt, worker: '', channelId: 0 },
      ...{ clientId: clientId ?? 0, user: clientId === null ? 'a miner of the pool' : `client ${clientId}` },
    })),
  };
}
