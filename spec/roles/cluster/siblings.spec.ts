import { describe, it } from '@jest/globals';
import { ignoreElements, map, tap } from 'rxjs';
import { coreSibling, frontSibling } from '../../../src/roles/cluster/siblings.js';
import type { Port, PortMessage } from '../../../src/roles/cluster/port.js';
import {
  SolutionFound,
  TemplateAged,
  TemplateArrived,
  TipArrived,
} from '../../../src/roles/pool/triggers.js';
import type { Sibling, SiblingEvent } from '../../../src/service/siblings.js';
import { like } from '../../../src/testing/equality.js';
import { marbles, type MarbleHelpers } from '../../../src/testing/marbles.js';
import { memoryPorts } from '../../../src/testing/memory-ports.js';
import { hash, prevHashFor, template } from '../../mining/support.js';

const first = TemplateArrived(template(1));
const tip = TipArrived(prevHashFor(1));
const second = TemplateArrived(template(2, { futureTemplate: false }));
const old = TemplateAged(true);
const block = SolutionFound({
  hash: hash(1),
  header: new Uint8Array(80).fill(2),
  solution: {
    type: 'SubmitSolution',
    templateId: 1n,
    version: 1,
    headerTimestamp: 2,
    headerNonce: 3,
    coinbaseTx: Uint8Array.of(4, 5),
  },
});
const values: Readonly<Record<string, SiblingEvent>> = { 1: first, t: tip, 2: second, o: old, b: block };

/** A way to each of these fronts, by its letter. */
const waysTo = (letters: string) => {
  const ways = Object.fromEntries([...letters].map((letter) => [letter, memoryPorts()]));
  const endsAt = (index: 0 | 1): Record<string, Port> =>
    Object.fromEntries(Object.entries(ways).map(([letter, { ends }]) => [letter, ends[index]]));
  return { coreEnds: endsAt(0), frontEnds: endsAt(1), cut: (letter: string) => ways[letter]?.cut() };
};

/** Hands a sibling triggers, each in its frame. */
const handing = (
  { hot, expectObservable }: Pick<MarbleHelpers, 'hot' | 'expectObservable'>,
  sibling: Pick<Sibling, 'next'>,
  diagram: string,
): void => {
  const handed$ = hot<SiblingEvent>(diagram, values).pipe(tap((trigger) => sibling.next(trigger)));
  expectObservable(handed$).toBe(diagram, values);
};

describe('a front and its core', () => {
  it('hand each other triggers as siblings in one process do', () => {
    marbles((helpers) => {
      const { hot, expectObservable } = helpers;
      const { coreEnds, frontEnds } = waysTo('a');
      const core = coreSibling(hot('-a', coreEnds));
      const front = frontSibling(frontEnds['a'] as Port);
      handing(helpers, core, '                 ---1t--2o-');
      handing(helpers, front, '                -------b--');
      expectObservable(core.trigger$).toBe('   -------b--', values);
      expectObservable(front.trigger$, '--^').toBe('---1t--2o-', values);
    });
  });

  it('are together at once when the front comes late, and when another takes its place', () => {
    marbles((helpers) => {
      const { hot, expectObservable } = helpers;
      const { coreEnds, frontEnds } = waysTo('ab');
      const core = coreSibling(hot('  -a--------------b---------', coreEnds));
      expectObservable(core.trigger$).toBe('--------------------------');
      handing(helpers, core, '        -1t-------2--o-----------2');
      const [a, b] = [frontSibling(frontEnds['a'] as Port), frontSibling(frontEnds['b'] as Port)];
      expectObservable(a.trigger$, '  -----^------!').toBe('-----(1t)-2-', values);
      expectObservable(b.trigger$, '  -----------------^').toBe('-----------------(1t2o)--2', values);
    });
  });

  it('lose nobody but each other: the blocks of other fronts go on, and a front that is gone is sent no more', () => {
    marbles((helpers) => {
      const { hot, cold, expectObservable } = helpers;
      const { coreEnds, frontEnds, cut } = waysTo('ab');
      const own = coreEnds['a'] as Port;
      let sent = 0;
      const counted: Port = {
        ...own,
        send(message) {
          sent += 1;
          own.send(message);
        },
      };
      const core = coreSibling(hot('           -(ab)-', { ...coreEnds, a: counted }));
      const [a, b] = [frontSibling(frontEnds['a'] as Port), frontSibling(frontEnds['b'] as Port)];
      const end$ = cold('                      ------------x').pipe(tap(() => cut('a')));
      expectObservable(end$).toBe('            ------------x');
      const sent$ = cold('                     -------------------x').pipe(map(() => sent));
      expectObservable(sent$).toBe('           -------------------x', { x: 2 }); // that it has joined, and the template
      handing(helpers, core, '                 -------1-------t');
      handing(helpers, b, '                    ---------b---------b');
      expectObservable(a.trigger$, '           -----^').toBe('-------1----|', values);
      expectObservable(b.trigger$, '           -----^').toBe('-------1-------t', values);
      expectObservable(core.trigger$).toBe('   ---------b---------b', values);
    });
  });

  it('tell of what cannot be read, and go on', () => {
    marbles((helpers) => {
      const { hot, expectObservable } = helpers;
      const { coreEnds, frontEnds } = waysTo('a');
      const problems: unknown[] = [];
      const errorObserver = { next: (error: unknown) => problems.push(error) };
      const core = coreSibling(hot('           -a', coreEnds), { errorObserver });
      const front = frontSibling(frontEnds['a'] as Port, { errorObserver });
      const bad: Readonly<Record<string, PortMessage & Readonly<Record<string, unknown>>>> = {
        v: { type: 'join', version: 7 },
        p: { type: 'trigger', version: 1, trigger: 'SolutionFound', hash: 'none' },
        x: { type: 'weather' },
      };
      const sending = (port: Port, diagram: string): void =>
        expectObservable(
          hot(diagram, bad).pipe(
            tap((message) => port.send(message)),
            ignoreElements(),
          ),
        ).toBe(diagram.replace(/./g, '-'));
      sending(frontEnds['a'] as Port, '        --vp-x');
      sending(coreEnds['a'] as Port, '         --vp-x');
      handing(helpers, core, '                 ---------1');
      handing(helpers, front, '                ---------b');
      expectObservable(front.trigger$, '       --------^').toBe('---------1', values);
      expectObservable(core.trigger$).toBe('   ---------b', values);
      const told$ = hot('                      ------------x').pipe(map(() => problems));
      expectObservable(told$).toBe('           ------------x', {
        x: [like({ code: 'cluster-version' }), like({ code: 'invalid-cluster-message' })],
      });
    });
  });
});
