/** The client of a pool, its declarator and template providers, which share one core. */
import { concat, EMPTY, from, merge, mergeMap, type Observable } from 'rxjs';
import { declaringClient } from '../../declaration/declaring-client.js';
import type {
  DeclaringClientOutput,
  DeclaringFault,
  OwnBlockFound,
} from '../../declaration/declaring-client-types.js';
import { payoutDistribution, SetPayoutDistribution } from '../../declaration/payout-messages.js';
import { subprotocols, type Subprotocol } from '../../messages/define-message.js';
import type {
  JobDeclarationToClient,
  MiningToClient,
  TemplateDistributionToClient,
} from '../../messages/directions.js';
import { jobDeclarationSetupFlags, miningSetupFlags } from '../../messages/setup-flags.js';
import { workerHashrateTracking } from '../../messages/user-identity.js';
import { createClient } from '../../service/client.js';
import type { ClientEvent } from '../../service/events.js';
import { leaveServer, sendToServer, toSibling, type ClientEffect } from '../../service/effects.js';
import { submitToExtra } from '../extra-nodes.js';
import { isProviderLeft, type Fault } from '../pool/provider-checks.js';
import { upkeepEvery } from '../upkeep.js';
import type { DeclaredWorkOptions, DeclaredWorkOutcome, PairFaulty } from './declared-work.js';
import { ownTemplates, type TemplatesOutput } from './own-templates.js';
import { MinersSaid, ToMiners } from './triggers.js';

type Emitted = ClientEffect | DeclaredWorkOutcome;

/** How often it is looked at what was not answered, in milliseconds. */
const upkeepInterval = 1_000;

/** How template providers are come back to. */
const reconnect = { maxDelay: 30_000 };

/** How long a template provider that lies is left alone while there are others, in milliseconds. */
const banFor = 600_000;

/** The client of all three: see `declaredWork`. */
export const declaringSide = (
  options: DeclaredWorkOptions,
  sibling: Parameters<typeof createClient>[0]['sibling'],
) => {
  const { scheduler, pool, declarator, templateProviders, mode, payoutDistributions = false } = options;
  const { extraNodes = [] } = options;
  const core = declaringClient({ ...options, wholeBlocks: extraNodes.length > 0 });
  const templates = ownTemplates();
  const connected = new Set<Subprotocol>();
  let isReady = false;
  let isFaulty = false;
  /** Whether what the template provider says is used. */
  let isProviderUsed = false;
  /** Why it is to be left. */
  let leftFor: Fault | null = null;
  const now = () => scheduler.now();

  function effects(output: DeclaringClientOutput): Observable<Emitted> {
    if (isFaulty) return EMPTY;
    const { toTemplates, toDeclarator, toPool, toMiners, outcomes, fault, providerFault, blocks } = output;
    const found = outcomes.find(({ type }) => type === 'OwnBlockFound') as OwnBlockFound | undefined;
    // a block first
    const all: Emitted[] = templatesEffects(templates.say(toTemplates, found, now()));
    for (const messages of [toDeclarator, toPool])
      if (messages.length > 0) all.push(sendToServer(...messages));
    if (toMiners.length > 0) all.push(toSibling(ToMiners(toMiners)));
    all.push(...outcomes);
    if (providerFault !== null) all.push(...providerFaulty(providerFault));
    if (fault !== null) all.push(faulty(fault));
    else if (core.isReady && !isReady) {
      isReady = true;
      all.push({ type: 'PairReady' });
    }
    const all$ = from(all);
    return blocks.length === 0
      ? all$
      : concat(all$, merge(...blocks.map((block) => submitToExtra(extraNodes, block))));
  }

  const templatesEffects = ({ send: messages, outcomes }: TemplatesOutput): Emitted[] => [
    ...(messages.length === 0 ? [] : [sendToServer(...messages)]),
    ...outcomes,
  ];

  const faulty = ({ code, message }: DeclaringFault): PairFaulty => {
    isFaulty = true;
    return { type: 'PairFaulty', code, message };
  };

  const providerFaulty = (fault: Fault): readonly Emitted[] => {
    if (!isProviderUsed) return [];
    const isLeft = isProviderLeft(fault, templateProviders.length);
    if (isLeft) {
      isProviderUsed = false;
      leftFor = fault;
    }
    return [{ type: 'ProviderFault', ...fault, isLeft }];
  };

  /** Leaves the template provider if it has to be: for its own handler alone, as each leaves the server that it is for. */
  const leaving = (): readonly Emitted[] => {
    if (leftFor === null) return [];
    const reason = leftFor;
    leftFor = null;
    return [leaveServer(reason, templateProviders.length > 1 ? banFor : 0)];
  };

  /** A template provider's messages make sense before they are used. */
  function fromTemplates(said: TemplateDistributionToClient): Observable<Emitted> {
    if (!isProviderUsed) return EMPTY;
    const { message, fault, outcomes } = templates.take(said, now());
    if (fault !== null) return from([...providerFaulty(fault), ...leaving()]);
    const told$ = from(outcomes);
    if (message === null) return told$;
    const effect$ = effects(core.fromTemplates(message, now()));
    return concat(effect$, from(leaving()), told$);
  }

  function upkeep(): Observable<Emitted> {
    const effect$ = effects(core.tick(now()));
    const hangs = templates.hangs(now());
    const hang: Emitted[] = hangs === null ? [] : [hangs.outcome, leaveServer(hangs.fault)];
    return concat(effect$, from([...leaving(), ...hang]));
  }

  function begin(protocol: Subprotocol): Observable<Emitted> {
    const isAgain = connected.has(protocol);
    connected.add(protocol);
    if (connected.size < subprotocols.length) return EMPTY;
    return effects(isAgain ? core.templatesConnected() : core.begin(now()));
  }

  const handler =
    <M extends { readonly type: string }>(
      protocol: Subprotocol,
      respond: (message: M) => Observable<Emitted>,
    ) =>
    (event$: Observable<ClientEvent<M>>): Observable<Emitted> =>
      event$.pipe(
        mergeMap((event): Observable<Emitted> => {
          if (event.type === 'message') return respond(event.message);
          if (event.type === 'disconnected' && protocol === 'templateDistribution') {
            isProviderUsed = false;
            leftFor = null;
            templates.disconnected();
            return effects(core.templatesDisconnected());
          }
          if (event.type !== 'connected') return EMPTY;
          const { upstream } = event.server;
          if (protocol !== 'templateDistribution') return begin(protocol);
          isProviderUsed = true;
          return concat(templatesEffects(templates.connected(upstream, now())), begin(protocol));
        }),
      );

  return createClient({
    mining: {
      connect: pool,
      handler: (event$) =>
        merge(
          event$.pipe(handler<MiningToClient>('mining', (message) => effects(core.fromPool(message, now())))),
          event$.pipe(
            mergeMap((event) => (MinersSaid.match(event) ? effects(core.fromMiners(event.message)) : EMPTY)),
          ),
        ),
      flags: miningSetupFlags.requiresWorkSelection | miningSetupFlags.requiresVersionRolling,
    },
    jobDeclaration: {
      connect: declarator,
      handler: handler<JobDeclarationToClient>('jobDeclaration', (message) =>
        effects(
          SetPayoutDistribution.match(message)
            ? core.distribution(message, now())
            : core.fromDeclarator(message, now()),
        ),
      ),
      flags: mode === 'full-template' ? jobDeclarationSetupFlags.declareTxData : 0,
    },
    templateDistribution: {
      connect: templateProviders,
      handler: (event$) =>
        merge(
          event$.pipe(handler<TemplateDistributionToClient>('templateDistribution', fromTemplates)),
          upkeepEvery(upkeepInterval, scheduler).pipe(mergeMap(upkeep)),
        ),
      reconnect,
    },
    ...(sibling === undefined ? {} : { sibling }),
    extensions: {
      supported: payoutDistributions
        ? [workerHashrateTracking, payoutDistribution]
        : [workerHashrateTracking],
    },
    ...(payoutDistributions ? { messages: [SetPayoutDistribution] } : {}),
    scheduler,
  });
};
