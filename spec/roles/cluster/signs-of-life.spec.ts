import { describe, it } from '@jest/globals';
import { asyncScheduler, map } from 'rxjs';
import type { Port, PortMessage } from '../../../src/roles/cluster/port.js';
import { signsOfLife, silenceOf } from '../../../src/roles/cluster/signs-of-life.js';
import { marbles } from '../../../src/testing/marbles.js';
import { memoryPorts } from '../../../src/testing/memory-ports.js';

const values = { a: { type: 'alive' }, x: { type: 'outcomes' }, n: 11_000 };

/** The core's end of a way to a front. */
const portOf = (message$: Port['message$']): Port => ({ message$, send: () => undefined });

describe('a front', () => {
  it('says at once that it is alive, and then each second', () => {
    marbles(({ expectObservable }) => {
      const [front, core] = memoryPorts().ends;
      const type$ = core.message$.pipe(map((message) => (message as PortMessage).type));
      expectObservable(type$, '                             ^ 3600ms !').toBe('a 999ms a 999ms a 999ms a', {
        a: 'alive',
      });
      expectObservable(signsOfLife(front, asyncScheduler), '^ 3500ms !').toBe('');
    });
  });

  it('hangs when it has given no sign between eleven looks, and is told of once', () => {
    marbles(({ hot, expectObservable }) => {
      const port = portOf(hot('                     1500ms a 999ms a 2899ms a', values)); // the last at 5.4 s
      expectObservable(silenceOf(port, asyncScheduler)).toBe('16s (n|)', values);
    });
  });

  it('may take a minute to start, whatever else it says', () => {
    marbles(({ hot, expectObservable }) => {
      const late = portOf(hot('                     59500ms a', values));
      expectObservable(silenceOf(late, asyncScheduler)).toBe('70s (n|)', values);
      const never = portOf(hot('                    -x', values));
      expectObservable(silenceOf(never, asyncScheduler)).toBe('61s (n|)', values);
    });
  });
});
