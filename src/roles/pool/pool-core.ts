/** The half of a pool that templates come from: one in a pool, for as many fronts as there are. */
import { asyncScheduler, type Observable, type SchedulerLike } from 'rxjs';
import type { OutputConstraints } from '../../bitcoin/script.js';
import type { AddressNetwork } from '../../bitcoin/payout-script.js';
import { createClient } from '../../service/client.js';
import type { ClientOutcome } from '../../service/outcomes.js';
import type { ReconnectPolicy } from '../../service/upstreams/backoff.js';
import type { Sibling } from '../../service/siblings.js';
import type { Connector } from '../../transport/connection.js';
import type { ExtraNode } from '../extra-nodes.js';
import { given } from '../given.js';
import type { TemplateMemory } from './template-ids.js';
import { templateClient } from './template-client.js';
import type { TemplateClientOutcome } from './template-client-outcomes.js';

/** What the half of a pool that templates come from is told. */
export interface PoolCoreOptions {
  /** Miners' half: `siblings()` in one process, `coreSibling(front$)` for fronts beyond. */
  readonly sibling: Sibling;
  /** The room that templates must leave for what blocks pay. */
  readonly payoutRoom: OutputConstraints;
  /** Dials the template provider. Of several, the first is preferred: the others are for while it does not work. */
  readonly templateProvider: Connector | readonly [Connector, ...Connector[]];
  /** Milliseconds without a new template after which there is a `TemplateOld`; 600,000 unless given. */
  readonly maxTemplateAge?: number;
  /**
   * Nodes that blocks go to as well, whole, so that they get out though the template provider does not work; none unless given.
   * Transactions of all templates are asked for then, up to 4 MB each.
   */
  readonly extraNodes?: readonly ExtraNode[];
  /**
   * The networks that the payout is for; any unless given. A template provider whose chain is seen not to be one of
   * them, by its difficulty, is not used; when none of them ever was right there is a `ChainRefused`.
   */
  readonly networks?: readonly AddressNetwork[];
  /**
   * For fronts that outlive their core: ids of templates that no other core gives, and where those of the cores before came
   * from. Without, ids begin at 1, and a block on a template of before is lost.
   */
  readonly templateMemory?: TemplateMemory;
  /** How it comes back to the template provider; after 1 s up to 30 s unless given. */
  readonly reconnect?: ReconnectPolicy;
  /** The clock; `asyncScheduler` unless given. */
  readonly scheduler?: SchedulerLike;
}

/** What happens between a pool and its template providers, the messages among it. */
export type PoolCoreOutcome = ClientOutcome<TemplateClientOutcome>;

/** The half of a pool that templates come from: cold until started. */
export interface PoolCore {
  /** Runs it while subscribed: see `Client.start`. */
  start(): Observable<PoolCoreOutcome>;
}

/** The half of a pool that templates come from. Without the template provider, fronts keep the last template until it is back. */
export function poolCore(options: PoolCoreOptions): PoolCore {
  const { templateProvider, payoutRoom, sibling, scheduler = asyncScheduler } = options;
  return createClient({
    templateDistribution: {
      connect: templateProvider,
      handler: templateClient({
        payoutRoom,
        providers: Array.isArray(templateProvider) ? templateProvider.length : 1,
        maxTemplateAge: options.maxTemplateAge ?? 600_000,
        ...given(options, 'networks', 'extraNodes', 'templateMemory'),
        scheduler,
      }),
    },
    sibling,
    reconnect: options.reconnect ?? { maxDelay: 30_000 },
    scheduler,
  });
}
