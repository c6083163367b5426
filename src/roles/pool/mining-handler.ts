import { from, interval, merge, mergeMap, type Observable, type SchedulerLike } from 'rxjs';
import {
  CloseChannel,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  SetCustomMiningJob,
  SubmitSharesExtended,
  SubmitSharesStandard,
  UpdateChannel,
} from '../../messages/mining.js';
import { miningServer } from '../../mining/mining-server.js';
import type {
  MiningServerOptions,
  MiningServerOutcome,
  MiningServerOutput,
} from '../../mining/mining-server-types.js';
import type { MiningServerHandler } from '../../service/handlers.js';
import { handleEach, ofEvent, ofMessage, ofTrigger } from '../../service/operators.js';
import { send, toSibling, type ServerEffect } from '../../service/outcomes.js';
import { difficultyControl } from './difficulty-control.js';
import { SolutionFound, TemplateArrived, TipArrived } from './triggers.js';

/** How often absent shares are looked at and waiting shares acknowledged, in milliseconds. */
const upkeepInterval = 5_000;

/**
 * The pool's side of the Mining Protocol: `miningServer` and vardiff as an operator. Templates and tips come as
 * triggers from the template client, solutions go back to it.
 * @param options of the mining server
 * @param scheduler the clock
 */
export const poolMining =
  (options: MiningServerOptions, scheduler: SchedulerLike): MiningServerHandler<MiningServerOutcome> =>
  (event$) => {
    const core = miningServer(options);
    const control = difficultyControl(core, options.sharesPerMinute);

    /** Everything an output of the mining server leads to, in order. */
    const effects = (output: MiningServerOutput): (ServerEffect | MiningServerOutcome)[] => [
      ...output.messages.map(({ clientId, messages }) => send(clientId, ...messages)),
      ...output.outcomes,
      ...output.outcomes.flatMap((outcome) =>
        outcome.type === 'BlockFound' && outcome.solution !== null
          ? [toSibling(SolutionFound(outcome.solution))]
          : [],
      ),
      ...control.observe(output.outcomes, scheduler.now()).flatMap(effects),
    ];

    const upkeep$: Observable<ServerEffect | MiningServerOutcome> = interval(upkeepInterval, scheduler).pipe(
      mergeMap(() => from([...control.tick(scheduler.now()), core.flush()].flatMap(effects))),
    );

    return merge(
      event$.pipe(
        ofEvent('clientAdded'),
        handleEach('mining', ({ clientId, client }) => core.addClient(clientId, client.flags)),
      ),
      event$.pipe(
        ofEvent('clientRemoved'),
        handleEach('mining', ({ clientId }) => effects(core.removeClient(clientId))),
      ),
      event$.pipe(
        ofMessage(
          SubmitSharesStandard,
          SubmitSharesExtended,
          OpenStandardMiningChannel,
          OpenExtendedMiningChannel,
          UpdateChannel,
          CloseChannel,
          SetCustomMiningJob,
        ),
        handleEach('mining', ({ clientId, message }) =>
          effects(core.handle(clientId, message, scheduler.now())),
        ),
      ),
      event$.pipe(
        ofTrigger(TemplateArrived),
        handleEach('mining', ({ template }) => effects(core.newTemplate(template))),
      ),
      event$.pipe(
        ofTrigger(TipArrived),
        handleEach('mining', ({ tip }) => effects(core.setNewPrevHash(tip, scheduler.now()))),
      ),
      upkeep$,
    );
  };
