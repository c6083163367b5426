import { defer, merge } from 'rxjs';
import { coinbaseOutputConstraints } from '../../bitcoin/script.js';
import type { TxOut } from '../../bitcoin/outputs.js';
import {
  CoinbaseOutputConstraints,
  NewTemplate,
  SetNewPrevHashTemplate,
  type SubmitSolution,
} from '../../messages/template-distribution.js';
import type { TemplateDistributionClientHandler } from '../../service/handlers.js';
import { handleEach, ofEvent, ofMessage, ofTrigger } from '../../service/operators.js';
import { sendToServer, toSibling, type ClientEffect } from '../../service/outcomes.js';
import { SolutionFound, TemplateArrived, TipArrived } from './triggers.js';

/** A block was found while the template provider is away: its solution is sent once it is back. */
export interface SolutionHeld {
  readonly type: 'SolutionHeld';
  readonly templateId: bigint;
}

/** Solutions that wait for the template provider; the oldest goes first. */
const maxHeld = 16;

/**
 * Tells the template provider what room the payout needs, hands its templates and tips to the mining server,
 * and sends it the solutions that come from there (spec chapter 7).
 * @param payout the outputs that the pool adds to a coinbase; their values do not matter
 */
export const templateClient =
  (payout: readonly TxOut[]): TemplateDistributionClientHandler<SolutionHeld> =>
  (event$) =>
    defer(() => {
      const constraints = CoinbaseOutputConstraints(coinbaseOutputConstraints(payout));
      let isConnected = false;
      let held: readonly SubmitSolution[] = [];

      return merge(
        event$.pipe(
          ofEvent('connected'),
          handleEach('templateDistribution', () => {
            const solutions = held;
            isConnected = true;
            held = [];
            return [sendToServer(constraints, ...solutions)];
          }),
        ),
        event$.pipe(
          ofEvent('disconnected'),
          handleEach('templateDistribution', () => {
            isConnected = false;
          }),
        ),
        event$.pipe(
          ofMessage(NewTemplate),
          handleEach('templateDistribution', ({ message }) => [toSibling(TemplateArrived(message))]),
        ),
        event$.pipe(
          ofMessage(SetNewPrevHashTemplate),
          handleEach('templateDistribution', ({ message }) => [toSibling(TipArrived(message))]),
        ),
        event$.pipe(
          ofTrigger(SolutionFound),
          handleEach('templateDistribution', ({ solution }): readonly (ClientEffect | SolutionHeld)[] => {
            if (isConnected) return [sendToServer(solution)];
            held = [...held, solution].slice(-maxHeld);
            return [{ type: 'SolutionHeld', templateId: solution.templateId }];
          }),
        ),
      );
    });
