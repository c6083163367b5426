import { describe, it } from '@jest/globals';
import { of, throwError, timer, map } from 'rxjs';
import { Sv2Error } from '../../src/codec/errors.js';
import { submitToExtra, type ExtraNode } from '../../src/roles/extra-nodes.js';
import { marbles } from '../../src/testing/index.js';

const block = { bytes: new Uint8Array(81), hash: new Uint8Array(32).fill(7), height: 5 };
const node = (name: string, submit: ExtraNode['submit']): ExtraNode => ({ name, submit });
const said = (name: string, result: object) => ({
  type: 'ExtraSubmission' as const,
  node: name,
  height: 5,
  hash: block.hash,
  result,
});

describe('extra nodes', () => {
  it('get a block all at once, and each says what it does: one that fails keeps nobody from it', () => {
    marbles(({ expectObservable }) => {
      const submitted$ = submitToExtra(
        [
          node('slow', () => timer(5).pipe(map(() => ({ accepted: true }) as const))),
          node('broken', () => throwError(() => new Sv2Error('node-unreachable', 'is away'))),
          node('strange', () => {
            throw new Error('no');
          }),
          node('strict', () => of({ accepted: false, reason: 'bad-cb-amount', message: 'too much' })),
        ],
        block,
      );
      expectObservable(submitted$).toBe('(abc)(d|)', {
        a: said('broken', { accepted: false, reason: 'node-unreachable', message: 'is away' }),
        b: said('strange', { accepted: false, reason: 'unexpected-error', message: 'no' }),
        c: said('strict', { accepted: false, reason: 'bad-cb-amount', message: 'too much' }),
        d: said('slow', { accepted: true }),
      });
    });
  });
});
