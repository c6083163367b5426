/** Which upstreams are connected to side by side, and which stand in for others. */
import type { ProxyPin, ProxyUpstream } from './proxy.js';

/** A connection to an upstream: to the first of its servers that works. */
export interface Lane {
  /** Which of the proxy's upstreams its servers are, the preferred one first. */
  readonly servers: readonly [number, ...number[]];
  /** See `UpstreamInfo.weight`. */
  readonly weight: number;
  /** Whether it is for while all lanes that have a weight are down, and not connected otherwise. */
  readonly isStandIn: boolean;
}

/**
 * The lanes of a proxy: one for each upstream that has a weight or that somebody is pinned to; one for the others together, in their
 * order. That has all work where none has a weight, and stands in where some do.
 */
export function lanesOf(upstreams: readonly ProxyUpstream[], pins: readonly ProxyPin[]): readonly Lane[] {
  const pinned = new Set(pins.map(({ upstream }) => upstream));
  const hasWeights = upstreams.some(({ weight = 0 }) => weight > 0);
  const own = (index: number): boolean => upstreams[index]?.weight !== undefined || pinned.has(index);
  const lanes: Lane[] = [];
  const others: number[] = [];
  upstreams.forEach(({ weight = 0 }, index) => {
    if (own(index)) lanes.push({ servers: [index], weight, isStandIn: false });
    else others.push(index);
  });
  const [first, ...rest] = others;
  if (first !== undefined)
    lanes.push({ servers: [first, ...rest], weight: hasWeights ? 0 : 1, isStandIn: hasWeights });
  return lanes;
}

/** Whether a user identity is one of those that a pin names: `*` stands for any characters. */
export function isPinnedBy({ userIdentity: pattern }: ProxyPin, userIdentity: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  if (others.length === 0) return userIdentity === pattern;
  const last = others.pop() as string;
  if (userIdentity.length < first.length + last.length) return false;
  if (!userIdentity.startsWith(first) || !userIdentity.endsWith(last)) return false;
  let at = first.length;
  const end = userIdentity.length - last.length;
  for (const part of others) {
    at = userIdentity.indexOf(part, at);
    if (at < 0 || at + part.length > end) return false;
    at += part.length;
  }
  return true;
}
