/** Splits work between upstreams by weight: what each is owed, and which miners are to work for another one. */

/** Milliseconds after which it is decided anew who works for whom. Pools send a job about as often, so that moving costs none more. */
export const sliceLength = 30_000;

/** Seconds of all work that two upstreams may differ by before anybody is moved: it is what the luck of shares amounts to. */
const tolerance = 4;

/** Seconds of all work that an upstream is owed at most: what it could not be given for longer is not made up for. */
const owedAtMost = 600;

/** Miners that are moved at once. */
const maxMoves = 100;

/** What is moved as a whole. */
export interface SplitUnit {
  /** Whom it works for. */
  readonly upstream: number;
  /** Hashes per second. */
  readonly hashRate: number;
  /** Whether it can work for another one. */
  canMoveTo(upstream: number): boolean;
}

/** A unit, and whom it is to work for. */
export interface SplitMove<U extends SplitUnit> {
  readonly unit: U;
  readonly to: number;
}

/** Splits work. See {@link workSplit}. */
export interface WorkSplit {
  /** The upstreams among which work is split. */
  readonly upstreams: readonly number[];
  /** Between whom work is split from now on, by what is above 0 each; of those who stay it is remembered what they are owed. */
  among(weights: ReadonlyMap<number, number>): void;
  /** What an upstream is to have of the work, from 0 to 1. */
  shareOf(upstream: number): number;
  /** Work was done for an upstream: that many hashes, as shares have proved them. */
  worked(upstream: number, hashes: number): void;
  /** The upstream that is to have the next unit; undefined if there is none. */
  neediest(units: Iterable<SplitUnit>): number | undefined;
  /** Who is to work for another upstream for the next {@link sliceLength}. To be called that often. */
  plan<U extends SplitUnit>(units: readonly U[]): readonly SplitMove<U>[];
}

/**
 * Splits work by weight. What counts is work that is proved, not how many miners there are: each upstream is owed its part of all
 * that is worked, less what was worked for it. Every {@link sliceLength} units are moved so that what upstreams are owed after the
 * next one is as little as can be. Where units are few and large they so work for one upstream and another by turns;
 * where they are many, few are moved.
 */
export const workSplit = (): WorkSplit => {
  let shares: ReadonlyMap<number, number> = new Map();
  /** Hashes; those of all add up to 0. */
  let owed = new Map<number, number>();

  const shareOf = (upstream: number): number => shares.get(upstream) ?? 0;

  /** By upstream, hashes that it would be given above what it is to have if nobody were moved for a slice. */
  const excesses = (units: Iterable<SplitUnit>): { readonly excess: Map<number, number>; all: number } => {
    const excess = new Map([...shares.keys()].map((upstream) => [upstream, -(owed.get(upstream) ?? 0)]));
    const seconds = sliceLength / 1_000;
    let all = 0;
    for (const { upstream, hashRate } of units) {
      const before = excess.get(upstream);
      if (before === undefined) continue;
      all += hashRate;
      excess.set(upstream, before + hashRate * seconds);
    }
    for (const [upstream, before] of excess) excess.set(upstream, before - shareOf(upstream) * all * seconds);
    return { excess, all };
  };

  return {
    get upstreams() {
      return [...shares.keys()];
    },
    among(weights) {
      let sum = 0;
      for (const weight of weights.values()) sum += weight;
      shares = new Map([...weights].map(([upstream, weight]) => [upstream, weight / sum]));
      const kept = new Map([...shares.keys()].map((upstream) => [upstream, owed.get(upstream) ?? 0]));
      let rest = 0;
      for (const hashes of kept.values()) rest += hashes;
      owed = new Map([...kept].map(([upstream, hashes]) => [upstream, hashes - rest * shareOf(upstream)]));
    },
    shareOf,
    worked(upstream, hashes) {
      if (!shares.has(upstream)) return;
      for (const [one, share] of shares)
        owed.set(one, (owed.get(one) ?? 0) + hashes * (one === upstream ? share - 1 : share));
    },
    neediest(units) {
      const { excess } = excesses(units);
      let found: number | undefined;
      for (const [upstream, hashes] of excess)
        if (found === undefined || hashes < (excess.get(found) as number)) found = upstream;
      return found;
    },
    plan(units) {
      if (shares.size < 2) return [];
      const known = excesses(units);
      const most = Math.max(...[...owed.values()].map(Math.abs));
      const kept = Math.min(1, (owedAtMost * known.all) / most);
      if (kept < 1) owed = new Map([...owed].map(([upstream, hashes]) => [upstream, hashes * kept]));
      const { excess, all } = excesses(units);
      const left = new Set(units.filter(({ upstream }) => excess.has(upstream)));
      const moves: { unit: (typeof units)[number]; to: number }[] = [];
      while (moves.length < maxMoves) {
        const move = bestMove(left, excess, tolerance * all);
        if (move === undefined) break;
        const { unit, to, hashes } = move;
        left.delete(unit);
        excess.set(unit.upstream, (excess.get(unit.upstream) as number) - hashes);
        excess.set(to, (excess.get(to) as number) + hashes);
        moves.push({ unit, to });
      }
      return moves;
    },
  };
};

/** The unit to move between those two upstreams that differ most, of those between which one can be moved. */
function bestMove<U extends SplitUnit>(
  units: Iterable<U>,
  excess: ReadonlyMap<number, number>,
  tolerated: number,
): (SplitMove<U> & { readonly hashes: number }) | undefined {
  const pairs = [...excess].flatMap(([from, more]) =>
    [...excess].map(([to, less]) => ({ from, to, gap: more - less })),
  );
  for (const { from, to, gap } of pairs.sort((a, b) => b.gap - a.gap)) {
    if (gap <= tolerated) return undefined;
    let best: U | undefined;
    let hashes = 0;
    // what is moved is taken from the one and given to the other: half the gap would close it
    for (const unit of units) {
      if (unit.upstream !== from) continue;
      const own = (unit.hashRate * sliceLength) / 1_000;
      if (own <= 0 || own >= gap || !unit.canMoveTo(to)) continue;
      if (best !== undefined && Math.abs(own - gap / 2) >= Math.abs(hashes - gap / 2)) continue;
      best = unit;
      hashes = own;
    }
    if (best !== undefined) return { unit: best, to, hashes };
  }
  return undefined;
}
