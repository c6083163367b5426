import { describe, expect, it } from '@jest/globals';
import { concat, map, NEVER, of, tap } from 'rxjs';
import { memoryStore } from '../../../src/ledger/memory-store.js';
import { coreLink } from '../../../src/roles/cluster/core-link.js';
import { servedLedger } from '../../../src/roles/cluster/port-ledger.js';
import type { PortMessage } from '../../../src/roles/cluster/port.js';
import { triggerToPlain } from '../../../src/roles/cluster/trigger-codec.js';
import { SolutionFound, TemplateArrived, TipArrived } from '../../../src/roles/pool/triggers.js';
import type { SiblingEvent } from '../../../src/service/siblings.js';
import { marbles } from '../../../src/testing/marbles.js';
import { memoryPorts } from '../../../src/testing/memory-ports.js';
import { hash, prevHashFor, template } from '../../mining/support.js';

const values: Readonly<Record<string, SiblingEvent>> = {
  T: TemplateArrived(template(1)),
  t: TipArrived(prevHashFor(1)),
  b: SolutionFound({
    hash: hash(1),
    header: new Uint8Array(80).fill(2),
    solution: {
      ...{ type: 'SubmitSolution', templateId: 1n, version: 1, headerTimestamp: 2, headerNonce: 3 },
      coinbaseTx: Uint8Array.of(4, 5),
    },
  }),
};

const joined = { type: 'joined' } as const;

describe('a front whose core comes and goes', () => {
  it('hears of work from whichever core there is, and knows when there is none', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const [one, another] = [memoryPorts(), memoryPorts()];
      const link = coreLink(hot('-a----b', { a: one.ends[1], b: another.ends[1] }));
      const says = ({ ends }: typeof one, diagram: string) =>
        expectObservable(
          cold(diagram).pipe(
            tap((name) => {
              if (name === 'X') one.cut();
              else
                ends[0].send(
                  (name === 'j' ? joined : triggerToPlain(values[name] as SiblingEvent)) as PortMessage,
                );
            }),
          ),
        ).toBe(diagram);
      expectObservable(link.sibling.trigger$).toBe('---T-----t', values);
      expectObservable(link.port$.pipe(map((port) => port === undefined))).toBe('-f--t-f', {
        f: false,
        t: true,
      });
      says(one, '    --jTX');
      says(another, '-------j-t');
    });
  });

  it('gives what must not be lost to whoever keeps it, and the rest to the core that is there', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const kept: string[] = [];
      const { ends, cut } = memoryPorts();
      const link = coreLink(hot('-a', { a: ends[1] }), {
        keeps(trigger) {
          if (SolutionFound.match(trigger)) kept.push('b');
          return SolutionFound.match(trigger);
        },
      });
      const sent$ = ends[0].message$.pipe(
        map((message) => (message as { readonly trigger: string }).trigger),
      );
      expectObservable(link.port$.pipe(map(() => 'p'))).toBe('-p-----p');
      expectObservable(sent$).toBe('-----T-|', { T: 'TemplateArrived' });
      expectObservable(
        cold('---b-T-X-b').pipe(
          tap((name) => (name === 'X' ? cut() : link.sibling.next(values[name] as SiblingEvent))),
          map(() => kept.join('')),
        ),
      ).toBe('---b-c-d-e', { b: 'b', c: 'b', d: 'b', e: 'bb' });
    });
  });

  it('asks the ledger of the core that is there, and is told when none is', async () => {
    const { ends, cut } = memoryPorts();
    const served = servedLedger(ends[0], memoryStore(), () => true).subscribe();
    const { store, port$: present$ } = coreLink(concat(of(ends[1]), NEVER));
    await expect(store.receipt(3)).rejects.toMatchObject({ code: 'ledger-unavailable' });
    const held = present$.subscribe();
    expect(await store.receipt(3)).toMatchObject({ serverId: 3, sequence: 0 });
    cut();
    await expect(store.receipt(3)).rejects.toMatchObject({ code: 'ledger-unavailable' });
    held.unsubscribe();
    served.unsubscribe();
  });
});
