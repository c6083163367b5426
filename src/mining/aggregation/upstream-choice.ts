/** Which upstream the work of each channel comes from: who is of use, who is owed work, who is moved. */
import type { MiningProxyOptions } from './mining-proxy-types.js';
import type { Aggregate } from './aggregate.js';
import { hashesOfDifficulty1 } from './channel-rates.js';
import type { ProxyOutput } from './output.js';
import type { UpstreamSession } from './upstream-session.js';
import { sliceLength, workSplit, type SplitUnit } from './work-split.js';

/** The channels of a client that share an upstream channel: they are moved together, as they have their groups in common. */
interface Unit extends SplitUnit {
  readonly clientId: number;
  readonly at: Aggregate;
}

/** The channels, and what is done with those that are to be moved. */
export interface MovableChannels {
  readonly aggregates: ReadonlySet<Aggregate>;
  readonly perUpstreamChannel: number;
  /** Makes one that there are no channels in yet. */
  newAggregate(upstream: number, pinnedTo: number | null): Aggregate;
  ask(to: Aggregate, now: number, out: ProxyOutput): void;
  discard(to: Aggregate, out: ProxyOutput): void;
  move(clientId: number, from: Aggregate, to: Aggregate, now: number, out: ProxyOutput): void;
}

interface Move {
  readonly clientId: number;
  readonly from: Aggregate;
  readonly to: Aggregate;
}

/** Milliseconds for which it is remembered who has how much work, when channels open. */
const sumsFor = 1_000;

/** Hashes per second of all channels that share an upstream channel. */
const hashRateOf = (one: Aggregate, now: number): number => {
  let sum = 0;
  for (const hashRate of one.hashRates(now).values()) sum += hashRate;
  return sum;
};

/** Chooses upstreams. See {@link upstreamChoice}. */
export type UpstreamChoice = ReturnType<typeof upstreamChoice>;

/**
 * Chooses upstreams.
 *
 * Work goes to the upstreams that have a weight, by their weights; while none of them is of use, to the first of the others. A pinned
 * channel's goes where that is pinned to, or as if it were not while that upstream is of no use. One that was lost and
 * came back has to last for `returnAfter` before it is given work that another one would have.
 *
 * Who is moved mines on until there is work where it goes.
 */
export const upstreamChoice = (
  { returnAfter = 60_000 }: Pick<MiningProxyOptions, 'returnAfter'>,
  sessions: ReadonlyMap<number, UpstreamSession>,
) => {
  const split = workSplit();
  /** Upstreams that were lost at some time. */
  const lost = new Set<number>();
  /** Those on their way, until there is work where they go. */
  let moves: Move[] = [];
  let known = '';
  let plannedAt = -Infinity;
  let sums: { readonly at: number; readonly byUpstream: Map<number, number> } | null = null;

  const usable = (now: number): readonly UpstreamSession[] => {
    const good = [...sessions.values()].filter(({ isFaulty }) => !isFaulty);
    const proved = good.filter(({ upstream, since }) => !lost.has(upstream) || now - since >= returnAfter);
    return proved.length > 0 ? proved : good;
  };

  const weightsOf = (among: readonly UpstreamSession[]): ReadonlyMap<number, number> => {
    const weighted = among.filter(({ info }) => info.weight !== 0);
    if (weighted.length > 0)
      return new Map(weighted.map(({ upstream, info }) => [upstream, info.weight ?? 1]));
    const first = Math.min(...among.map(({ upstream }) => upstream));
    return new Map(first === Infinity ? [] : [[first, 1]]);
  };

  /** The units of aggregates that are pinned, or are not, with those on their way where they go. */
  const unitsOf = ({ aggregates }: MovableChannels, arePinned: boolean, now: number): Unit[] => {
    const leaving = new Map<Aggregate, Map<number, number>>();
    for (const { clientId, from, to } of moves) {
      const own = leaving.get(from) ?? new Map<number, number>();
      leaving.set(from, own.set(clientId, to.upstream));
    }
    const units: Unit[] = [];
    for (const at of aggregates) {
      if ((at.pinnedTo !== null) !== arePinned || at.members === 0) continue;
      for (const [clientId, hashRate] of at.hashRates(now)) {
        const next = leaving.get(at)?.get(clientId);
        const canMoveTo = (upstream: number) => next === undefined && at.homes.get(upstream) !== null;
        units.push({ clientId, at, hashRate, upstream: next ?? at.upstream, canMoveTo });
      }
    }
    return units;
  };

  /** Where a unit's channels go. */
  const destination = (
    { clientId, at }: Unit,
    upstream: number,
    channels: MovableChannels,
    now: number,
    out: ProxyOutput,
  ): Aggregate => {
    const found = at.request === null ? withRoom(clientId, at, upstream, channels) : at.homes.get(upstream);
    if (found != null) return found;
    const made = channels.newAggregate(upstream, at.pinnedTo);
    made.isKept = true;
    made.emptySince = now;
    made.request = at.request;
    if (at.request !== null) {
      made.homes = at.homes;
      made.homes.set(upstream, made);
    }
    channels.ask(made, now, out);
    return made;
  };

  const withRoom = (
    clientId: number,
    at: Aggregate,
    upstream: number,
    { aggregates, perUpstreamChannel }: MovableChannels,
  ): Aggregate | undefined => {
    const count = (one: Aggregate, id: number): number => one.server.client(id)?.channels.size ?? 0;
    for (const one of aggregates) {
      if (one.upstream !== upstream || one.pinnedTo !== at.pinnedTo || count(one, clientId) > 0) continue;
      let members = one.members + count(at, clientId);
      for (const move of moves) if (move.to === one) members += count(move.from, move.clientId);
      if (members <= perUpstreamChannel || members === count(at, clientId)) return one;
    }
    return undefined;
  };

  const send = (
    unit: Unit,
    upstream: number,
    channels: MovableChannels,
    now: number,
    out: ProxyOutput,
  ): void => {
    moves.push({
      clientId: unit.clientId,
      from: unit.at,
      to: destination(unit, upstream, channels, now, out),
    });
  };

  /** Has who waits for a channel of an upstream that is of no use ask another one. */
  const askAnother = (
    at: Aggregate,
    upstream: number,
    channels: MovableChannels,
    now: number,
    out: ProxyOutput,
  ): void => {
    const made = channels.newAggregate(upstream, at.pinnedTo);
    made.request = at.request;
    made.homes.set(upstream, made);
    made.waiting = at.waiting;
    at.waiting = null;
    channels.discard(at, out);
    channels.ask(made, now, out);
  };

  /** Who cannot stay where it is goes elsewhere, and who is pinned goes home. */
  const settle = (channels: MovableChannels, now: number, out: ProxyOutput): void => {
    const isUsable = new Set(usable(now).map(({ upstream }) => upstream));
    const free: SplitUnit[] = unitsOf(channels, false, now);
    const go = (unit: Unit, wanted: number | undefined): SplitUnit => {
      if (wanted === undefined || wanted === unit.upstream || !unit.canMoveTo(wanted)) return unit;
      send(unit, wanted, channels, now, out);
      return { ...unit, upstream: wanted };
    };
    free.forEach((unit, index) => {
      if (!split.upstreams.includes(unit.upstream)) free[index] = go(unit as Unit, split.neediest(free));
    });
    for (const unit of unitsOf(channels, true, now)) {
      const { pinnedTo } = unit.at;
      if (pinnedTo !== null && isUsable.has(pinnedTo)) go(unit, pinnedTo);
      else if (!split.upstreams.includes(unit.upstream)) go(unit, split.neediest(free));
    }
    const other = split.neediest(free);
    for (const at of other === undefined ? [] : [...channels.aggregates])
      if (at.waiting !== null && !isUsable.has(at.upstream))
        askAnother(at, other as number, channels, now, out);
  };

  /** Moves those for whom there is work where they go. */
  const complete = (channels: MovableChannels, now: number, out: ProxyOutput): void => {
    const due = moves;
    moves = [];
    for (const one of due) {
      const { clientId, from, to } = one;
      const isThere = (from.server.client(clientId)?.channels.size ?? 0) > 0;
      const isGood = channels.aggregates.has(to) && sessions.get(to.upstream)?.isFaulty === false;
      if (!isThere || !isGood) continue;
      if (to.hasWork) channels.move(clientId, from, to, now, out);
      else moves.push(one);
    }
  };

  const byUpstream = (channels: MovableChannels, now: number): Map<number, number> => {
    if (sums !== null && now - sums.at < sumsFor) return sums.byUpstream;
    sums = { at: now, byUpstream: new Map() };
    for (const { upstream, hashRate } of unitsOf(channels, false, now))
      sums.byUpstream.set(upstream, (sums.byUpstream.get(upstream) ?? 0) + hashRate);
    return sums.byUpstream;
  };

  return {
    /** An upstream is gone. */
    lost(upstream: number): void {
      lost.add(upstream);
    },
    /**
     * Which upstream the work of a new channel is to come from.
     *
     * @param hashRate hashes per second, as its client says
     */
    forNew(pinnedTo: number | null, hashRate: number, channels: MovableChannels, now: number): number {
      const among = usable(now);
      if (pinnedTo !== null && among.some(({ upstream }) => upstream === pinnedTo)) return pinnedTo;
      if (split.upstreams.length < 2)
        return split.upstreams[0] ?? among[0]?.upstream ?? sessions.keys().next().value ?? 0;
      const known = byUpstream(channels, now);
      const canMoveTo = () => true;
      const rates = [...known].map(([upstream, rate]) => ({ upstream, hashRate: rate, canMoveTo }));
      const found = split.neediest(rates) as number;
      known.set(found, (known.get(found) ?? 0) + hashRate);
      return found;
    },
    /**
     * What upstreams are to be told of hash rates, in hashes per second: where work is split, their part of all, as who works for whom
     * changes all the time.
     */
    hashRates(aggregates: Iterable<Aggregate>, now: number): ReadonlyMap<Aggregate, number> {
      const own = new Map([...aggregates].map((one) => [one, hashRateOf(one, now)]));
      if (split.upstreams.length < 2) return own;
      let all = 0;
      const there = new Map<number, { rate: number; count: number }>();
      for (const [one, rate] of own) {
        if (one.pinnedTo !== null || one.request !== null) continue;
        all += rate;
        const before = there.get(one.upstream) ?? { rate: 0, count: 0 };
        there.set(one.upstream, { rate: before.rate + rate, count: before.count + 1 });
      }
      for (const [one, rate] of own) {
        const same = there.get(one.upstream);
        if (same === undefined || one.pinnedTo !== null || one.request !== null) continue;
        const part = same.rate > 0 ? rate / same.rate : 1 / same.count;
        own.set(one, split.shareOf(one.upstream) * all * part);
      }
      return own;
    },
    /** A share was found for an upstream. */
    worked({ pinnedTo }: Aggregate, upstream: number, difficulty: number): void {
      if (pinnedTo === null) split.worked(upstream, difficulty * hashesOfDifficulty1);
    },
    /** Whether an upstream channel is of use though no channels share it: they will again. */
    isNeeded(one: Aggregate, aggregates: ReadonlySet<Aggregate>): boolean {
      if (split.upstreams.length < 2 || !split.upstreams.includes(one.upstream)) return false;
      if (one.request !== null) return [...one.homes.values()].some((home) => (home?.members ?? 0) > 0);
      if (one.pinnedTo !== null) return false;
      let isAnybodyThere = false;
      for (const other of aggregates) {
        if (other !== one && other.upstream === one.upstream && other.pinnedTo === null) return false;
        isAnybodyThere ||= other.members > 0;
      }
      return isAnybodyThere;
    },
    /** Looks at who is of use, and who is owed work. To be called often, and when upstreams come and go. */
    look(channels: MovableChannels, now: number, out: ProxyOutput): void {
      const among = usable(now);
      const weights = weightsOf(among);
      const said = JSON.stringify([[...weights], among.map(({ upstream }) => upstream)]);
      if (said !== known) {
        known = said;
        split.among(weights);
        plannedAt = -Infinity;
      }
      if (now - plannedAt >= sliceLength) {
        plannedAt = now;
        sums = null;
        settle(channels, now, out);
        for (const { unit, to } of split.plan(unitsOf(channels, false, now)))
          send(unit, to, channels, now, out);
      }
      if (moves.length > 0) complete(channels, now, out);
    },
  };
};
