/** How many clients a listener takes. */
export interface NewcomerLimits {
  /** Clients whose handshake is finished. */
  readonly maxConnections: number;
  /** Clients whose handshake is not finished. */
  readonly maxHandshakes: number;
  /** Clients of one address, of either kind. */
  readonly maxConnectionsPerAddress: number;
}

/** A limit, and the one that has to go for its sake. */
export interface Surplus<C> {
  readonly client: C;
  readonly limit: keyof NewcomerLimits;
}

/** Who has come to a listener, and who has to go when there are too many: a state, without sockets. */
export interface Newcomers<C> {
  /**
   * A client has come.
   * @param host where from, as `hostOf` has it
   * @returns who has to go: another, whose place it takes, or the client itself, which then is not counted
   */
  arrived(client: C, host: string): Surplus<C> | undefined;
  /** A newcomer has said its part of the handshake. */
  spoke(client: C): void;
  /** A client's handshake is finished. Returns whether it may stay; it is counted until it is `gone` in any case. */
  connected(client: C): Surplus<C> | undefined;
  /** A client has gone. */
  gone(client: C): void;
  /** The newcomers that have said nothing, the oldest first: who goes first. */
  readonly idle: ReadonlySet<C>;
}

/** The newcomers of a listener or of one address of them, the oldest first. */
interface Group<C> {
  readonly idle: Set<C>;
  readonly waiting: Set<C>;
  connected: number;
}

const newGroup = <C>(): Group<C> => ({ idle: new Set(), waiting: new Set(), connected: 0 });

/**
 * Admits clients. When there are too many newcomers, whoever has been silent for longest makes place for the
 * next one, and then, as the newest is served first, whoever has been waiting for longest: sockets that say
 * nothing lock nobody out. Clients that are connected make place for nobody.
 */
export function newcomers<C>({
  maxConnections,
  maxHandshakes,
  maxConnectionsPerAddress,
}: NewcomerLimits): Newcomers<C> {
  const all = newGroup<C>();
  const hosts = new Map<string, Group<C>>();
  const hostByClient = new Map<C, string>();

  const groupsOf = (client: C): readonly Group<C>[] => {
    const host = hosts.get(hostByClient.get(client) ?? '');
    return host === undefined ? [] : [all, host];
  };
  const first = ({ idle, waiting }: Group<C>): C | undefined => {
    for (const client of idle) return client;
    for (const client of waiting) return client;
    return undefined;
  };

  const gone = (client: C) => {
    const host = hostByClient.get(client);
    if (host === undefined) return;
    for (const group of groupsOf(client)) {
      if (!group.idle.delete(client) && !group.waiting.delete(client)) group.connected -= 1;
    }
    hostByClient.delete(client);
    const group = hosts.get(host);
    if (group !== undefined && count(group) === 0) hosts.delete(host);
  };

  /** Whose going would make place, within a limit, for one more. */
  const surplus = (client: C, host: string): Surplus<C> | undefined => {
    if (all.connected >= maxConnections) return { client, limit: 'maxConnections' };
    const group = hosts.get(host);
    if (group !== undefined && count(group) >= maxConnectionsPerAddress) {
      return { client: first(group) ?? client, limit: 'maxConnectionsPerAddress' };
    }
    if (all.idle.size + all.waiting.size < maxHandshakes) return undefined;
    return { client: first(all) ?? client, limit: 'maxHandshakes' };
  };

  return {
    arrived(client, host) {
      const leaving = surplus(client, host);
      if (leaving?.client === client) return leaving;
      if (leaving !== undefined) gone(leaving.client);
      hostByClient.set(client, host);
      const group = hosts.get(host) ?? newGroup<C>();
      hosts.set(host, group);
      all.idle.add(client);
      group.idle.add(client);
      return leaving;
    },
    spoke(client) {
      for (const group of groupsOf(client)) if (group.idle.delete(client)) group.waiting.add(client);
    },
    connected(client) {
      if (all.connected >= maxConnections) return { client, limit: 'maxConnections' };
      for (const group of groupsOf(client)) {
        if (group.idle.delete(client) || group.waiting.delete(client)) group.connected += 1;
      }
      return undefined;
    },
    gone,
    idle: all.idle,
  };
}

const count = <C>({ idle, waiting, connected }: Group<C>) => idle.size + waiting.size + connected;

/**
 * The host of an address as `ByteStream` has it. Of an IPv6 address that is its first 64 bits, as a single
 * subscriber has all addresses that begin with them (RFC 6177).
 */
export function hostOf(address: string): string {
  const [, ipv6, host = address] = /^(?:\[(.+)\]|(.*)):\d+$/.exec(address) ?? [];
  if (ipv6 === undefined) return host;
  const [head = '', tail] = ipv6.replace(/%.*$/, '').split('::');
  const front = head.split(':').filter((group) => group !== '');
  const back = (tail ?? '').split(':').filter((group) => group !== '');
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0');
  return [...front, ...zeros, ...back].slice(0, 4).join(':');
}
