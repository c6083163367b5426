import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hostOf, newcomers, type NewcomerLimits } from '../../src/transport/newcomers.js';

const wide: NewcomerLimits = { maxConnections: 100, maxHandshakes: 100, maxConnectionsPerAddress: 100 };

describe('newcomers', () => {
  it('make place in the order in which they came, those that spoke last', () => {
    const state = newcomers<string>({ ...wide, maxHandshakes: 3 });
    for (const name of ['a', 'b', 'c']) expect(state.arrived(name, 'host')).toBeUndefined();
    state.spoke('a');
    const next = (name: string) => state.arrived(name, 'host')?.client;
    expect(next('d')).toBe('b');
    state.spoke('c');
    state.spoke('d');
    expect(next('e')).toBe('a');
    expect(next('f')).toBe('e');
  });

  it('give way within their own address first, and connected clients never', () => {
    const state = newcomers<string>({ ...wide, maxConnectionsPerAddress: 2 });
    state.arrived('other', 'elsewhere');
    state.arrived('a', 'host');
    state.connected('a');
    state.arrived('b', 'host');
    expect(state.arrived('c', 'host')).toEqual({ client: 'b', limit: 'maxConnectionsPerAddress' });
    state.connected('c');
    expect(state.arrived('d', 'host')).toEqual({ client: 'd', limit: 'maxConnectionsPerAddress' });
    state.gone('a');
    expect(state.arrived('d', 'host')).toBeUndefined();
  });

  it('are turned away while as many are connected as may be', () => {
    const state = newcomers<string>({ ...wide, maxConnections: 1 });
    state.arrived('a', 'host');
    state.arrived('b', 'host');
    expect(state.connected('a')).toBeUndefined();
    expect(state.connected('b')).toEqual({ client: 'b', limit: 'maxConnections' });
    expect(state.arrived('c', 'host')).toEqual({ client: 'c', limit: 'maxConnections' });
  });

  it('never exceed a limit, whatever happens, and all that came are forgotten when all have gone', () => {
    const limits = { maxConnections: 4, maxHandshakes: 5, maxConnectionsPerAddress: 3 };
    const event = fc.tuple(fc.constantFrom('arrived', 'spoke', 'connected', 'gone'), fc.nat(30), fc.nat(3));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const state = newcomers<number>(limits);
        const here = new Map<number, { host: number; connected: boolean }>();
        for (const [type, client, host] of events) {
          const known = here.get(client);
          if (type === 'arrived' && known === undefined) {
            const leaving = state.arrived(client, `${host}`);
            if (leaving !== undefined) {
              expect(here.get(leaving.client)?.connected ?? false).toBe(false);
              here.delete(leaving.client);
            }
            if (leaving?.client !== client) here.set(client, { host, connected: false });
          } else if (type === 'spoke' && known?.connected === false) state.spoke(client);
          else if (type === 'connected' && known?.connected === false) {
            if (state.connected(client) === undefined) known.connected = true;
          } else if (type === 'gone') {
            state.gone(client);
            here.delete(client);
          }
          const all = [...here.values()];
          const connected = all.filter((one) => one.connected).length;
          expect(connected).toBeLessThanOrEqual(limits.maxConnections);
          expect(all.length - connected).toBeLessThanOrEqual(limits.maxHandshakes);
          for (const { host: one } of all) {
            expect(all.filter((other) => other.host === one).length).toBeLessThanOrEqual(3);
          }
        }
        [...here.keys()].forEach((client) => state.gone(client));
        expect(state.idle.size).toBe(0);
        for (const client of [101, 102, 103]) expect(state.arrived(client, '1')).toBeUndefined();
      }),
      { seed: 42, numRuns: 300 },
    );
  });
});

describe('the host of an address', () => {
  it.each([
    ['192.0.2.1:34254', '192.0.2.1'],
    ['[2001:db8:1:2:3:4:5:6]:34254', '2001:db8:1:2'],
    ['[2001:db8::6]:34254', '2001:db8:0:0'],
    ['[2001:db8:1:2::]:1', '2001:db8:1:2'],
    ['[::1]:34254', '0:0:0:0'],
    ['[fe80::1%eth0]:1', 'fe80:0:0:0'],
    ['client 1', 'client 1'],
  ])('%s is %s', (address, host) => {
    expect(hostOf(address)).toBe(host);
  });
});
