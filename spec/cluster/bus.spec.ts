/** Ports between fronts and a core over a real nats-server, which is killed, and whose lines are cut. */
import { describe, expect, it } from '@jest/globals';
import {
  concat,
  filter,
  firstValueFrom,
  map,
  mergeMap,
  of,
  ReplaySubject,
  share,
  tap,
  type Observable,
} from 'rxjs';
import { corePorts } from '../../src/node/cluster/core-ports.js';
import { frontPorts } from '../../src/node/cluster/front-ports.js';
import type { Port, PortMessage } from '../../src/roles/cluster/port.js';
import { clusterSite } from './site.js';

const heartbeat = 1_000;
const message = (value: unknown): PortMessage => ({ type: 'test', value }) as PortMessage;

const site = clusterSite();
const { connect } = site;

/** What becomes of ports, which can be waited for. */
const watched = (port$: Observable<Port>) => {
  const event$ = port$.pipe(
    mergeMap((port) =>
      concat(
        of('begun'),
        port.message$.pipe(map((value) => (value as { readonly value: unknown }).value)),
        of('ended'),
      ),
    ),
    share({ connector: () => new ReplaySubject(Infinity) }),
  );
  const subscription = event$.subscribe();
  let seen = 0;
  return {
    /** The next that is like this, and was not waited for yet. */
    next: async (is: (event: unknown) => boolean) => {
      const [event, index] = await firstValueFrom(
        event$.pipe(
          map((value, at) => [value, at] as const),
          filter(([value, at]) => at >= seen && is(value)),
        ),
      );
      seen = index + 1;
      return event;
    },
    stop: () => subscription.unsubscribe(),
  };
};

describe('over a real nats-server', () => {
  it('a template reaches all fronts, values larger than the server takes come whole, and all come back after a cut and a kill', async () => {
    const large = new Uint8Array(1_500_000).map((_, index) => index % 253); // 3 MB as text
    const isLarge = (event: unknown) => event instanceof Uint8Array && Buffer.compare(event, large) === 0;
    const [coreBus, near, far] = [
      await connect(site.server.port),
      await connect(site.server.port),
      await connect(site.relay.port),
    ];
    const core = corePorts(coreBus, { cluster: 'spec', heartbeat });
    const atCore = watched(core.front$);
    const ports: Port[] = [];
    const codes: string[] = [];
    const errorObserver = { next: (error: unknown) => codes.push((error as { code: string }).code) };
    const fronts = [near, far].map((bus, index) =>
      watched(
        frontPorts(bus, { cluster: 'spec', heartbeat, errorObserver }).pipe(
          tap((port) => {
            ports[index] = port;
          }),
        ),
      ),
    );
    const [first, second] = fronts as [(typeof fronts)[number], (typeof fronts)[number]];
    const begun = (event: unknown) => event === 'begun';
    const ended = (event: unknown) => event === 'ended';
    try {
      await Promise.all(fronts.map(({ next }) => next(begun)));
      core.toAll(message(large));
      await Promise.all(fronts.map(({ next }) => next(isLarge)));
      ports[1]?.send(message(large));
      await atCore.next(isLarge);

      site.relay.cut();
      await second.next(ended);
      core.toAll(message('while it is away'));
      await first.next((event) => event === 'while it is away');
      site.relay.mend();
      await second.next(begun);
      core.toAll(message('for all'));
      await Promise.all(fronts.map(({ next }) => next((event) => event === 'for all')));

      await site.server.kill();
      await Promise.all(fronts.map(({ next }) => next(ended)));
      await site.server.start();
      await Promise.all(fronts.map(({ next }) => next(begun)));
      core.toAll(message('again for all'));
      await Promise.all(fronts.map(({ next }) => next((event) => event === 'again for all')));
      expect(codes).toContain('cluster-session-over');
    } finally {
      for (const { stop } of [...fronts, atCore]) stop();
    }
  });
});
