import { map, merge } from 'rxjs';
import { coinbaseOutputConstraints } from '../../bitcoin/script.js';
import type { TxOut } from '../../bitcoin/outputs.js';
import {
  CoinbaseOutputConstraints,
  NewTemplate,
  SetNewPrevHashTemplate,
} from '../../messages/template-distribution.js';
import type { TemplateDistributionClientHandler } from '../../service/handlers.js';
import { ofEvent, ofMessage, ofTrigger } from '../../service/operators.js';
import { sendToServer, toSibling } from '../../service/outcomes.js';
import { SolutionFound, TemplateArrived, TipArrived } from './triggers.js';

/**
 * Tells the template provider what room the payout needs, hands its templates and tips to the mining server,
 * and sends it the solutions that come from there (spec chapter 7).
 * @param payout the outputs that the pool adds to a coinbase; their values do not matter
 */
export const templateClient =
  (payout: readonly TxOut[]): TemplateDistributionClientHandler =>
  (event$) =>
    merge(
      event$.pipe(
        ofEvent('connected'),
        map(() => sendToServer(CoinbaseOutputConstraints(coinbaseOutputConstraints(payout)))),
      ),
      event$.pipe(
        ofMessage(NewTemplate),
        map(({ message }) => toSibling(TemplateArrived(message))),
      ),
      event$.pipe(
        ofMessage(SetNewPrevHashTemplate),
        map(({ message }) => toSibling(TipArrived(message))),
      ),
      event$.pipe(
        ofTrigger(SolutionFound),
        map(({ solution }) => sendToServer(solution)),
      ),
    );
