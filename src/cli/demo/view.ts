import { counted } from '../../codec/counted.js';
import { formatDifficulty, formatDuration, formatHashRate } from '../format.js';
import { isOfSide } from '../../roles/sides.js';
import { narrow, quoted } from '../printable.js';
import { cut, fitLine, fitRows, fitTable, type Column } from './layout.js';
import type { BlockState, DemoOutcome, DemoState, MinerState } from './state.js';
import { nameOf } from './users.js';

const blocksShown = 8;

/** What the miners do, and how well. */
function minersTable(miners: readonly MinerState[], columns: number): string[] {
  const column = (
    heading: string,
    importance: number,
    cell: (miner: MinerState) => string,
    isNumeric = true,
  ): Column => ({ heading, importance, isNumeric, cells: miners.map(cell) });
  return fitTable(
    [
      column('miner', 7, ({ name }) => narrow(name), false),
      column('channel', 1, ({ channel }) => channel, false), // the names say it
      column('hash rate', 6, ({ connected, hashRate }) => (connected ? formatHashRate(hashRate) : 'offline')),
      column('difficulty', 2, ({ difficulty }) =>
        difficulty === undefined ? '-' : formatDifficulty(difficulty),
      ),
      column('accepted', 5, ({ accepted }) => String(accepted)),
      column('rejected', 3, ({ rejected }) => String(rejected)),
      column('blocks', 4, ({ blocks }) => String(blocks)),
    ],
    columns,
  );
}

/** The last blocks, newest first. */
function blocksTable(blocks: readonly BlockState[], columns: number): string[] {
  if (blocks.length === 0) return [cut('waiting for the first block', columns)];
  const shown = blocks.slice(0, blocksShown);
  const column = (heading: string, importance: number, cell: (block: BlockState) => string) => ({
    ...{ heading, importance, isNumeric: false },
    cells: shown.map(cell),
  });
  return fitTable(
    [
      { ...column('block', 4, ({ height }) => String(height)), isNumeric: true },
      column('found by', 3, ({ finder }) => narrow(finder)),
      { ...column('after', 2, ({ interval }) => `${(interval / 1_000).toFixed(1)} s`), isNumeric: true },
      { ...column('hash', 1, ({ hash }) => hash), shortest: 9 },
    ],
    columns,
  );
}

/** How to see more, and how to end it. */
const ending = ({ dashboard }: DemoState, columns: number): string =>
  dashboard === undefined
    ? cut('Ctrl-C ends it.', columns)
    : fitLine(
        [
          { text: `Dashboard: ${dashboard}`, importance: 2 },
          { text: 'Ctrl-C ends it.', importance: 1 },
        ],
        columns,
      );

/**
 * The demo's screen.
 * @param state what to show
 * @param columns the terminal's width
 * @param rows the terminal's height
 * @returns lines without line ends: at most so many, and none of them longer
 */
export function renderDemo(state: DemoState, columns: number, rows: number): string[] {
  const { blocks, rejectedBlocks, trouble } = state;
  const total = state.miners.reduce((sum, { hashRate }) => sum + hashRate, 0);
  const title = fitLine(
    [
      { text: 'rx-sv2 demo', importance: 1 },
      { text: formatDuration(state.now - state.startedAt), importance: 4 },
      { text: formatHashRate(total), importance: 3 },
      {
        text: `${blocks.length} ${blocks.length === 1 ? 'block' : 'blocks'} accepted, ${rejectedBlocks} rejected`,
        importance: 2,
      },
    ],
    columns,
  );
  const line = (text: string): string[] => (text === '' || columns < 1 ? [] : [text]);
  return fitRows(
    [
      { lines: line(title), importance: 5 },
      { lines: minersTable(state.miners, columns), importance: 4, fewest: 2 },
      { lines: blocksTable(blocks, columns), importance: 1, fewest: blocks.length === 0 ? 1 : 2 },
      { lines: trouble === undefined ? [] : line(cut(narrow(trouble), columns)), importance: 3 },
      { lines: line(ending(state, columns)), importance: 2 },
    ],
    rows,
  );
}

/**
 * The line that tells how hard blocks are to find.
 * @param hashesPerSecond of all miners, as measured
 * @param nbits the compact form of the largest hash that a block may have
 */
export const calibrationLine = (hashesPerSecond: number, nbits: number): string =>
  `blocks for ${formatHashRate(hashesPerSecond)}: nbits ${nbits.toString(16).padStart(8, '0')}`;

/**
 * The line that tells of an outcome where there is no terminal; undefined for what is not worth one.
 * @param event what happened
 * @param state the state after it
 */
export function demoLine(event: DemoOutcome, state: DemoState): string | undefined {
  if (event.from === 'monitoring') return `dashboard at ${event.outcome.url}`;
  const { outcome } = event;
  if (event.from === 'declarationServer') return declarationServerLine(event.outcome);
  if (event.from === 'declarationClient') return declarationClientLine(event.outcome);
  const who = event.from === 'miner' ? event.name : event.from === 'pool' ? 'pool' : 'template provider';
  switch (outcome.type) {
    case 'connected':
      // a connection has two ends; the client's tells of it
      return isOfSide('client', outcome) ? `${who}: connected to ${outcome.server.peer.address}` : undefined;
    case 'disconnected':
      return `${who}: disconnected: ${outcome.reason.message}`;
    case 'handlerError':
      return `${who}: ${outcome.error instanceof Error ? outcome.error.message : String(outcome.error)}`;
  }
  if (event.from === 'pool') return poolLine(event.outcome);
  return event.from === 'templateProvider' ? providerLine(event.outcome, state) : undefined;
}

function declarationServerLine(
  outcome: Extract<DemoOutcome, { readonly from: 'declarationServer' }>['outcome'],
): string | undefined {
  switch (outcome.type) {
    case 'JobDeclared':
      return (
        `declaration server: block ${outcome.height} declared by ${quoted(outcome.userIdentifier)}, ` +
        `${counted(outcome.transactions, 'transaction')}, ${outcome.provided} of them new to the pool`
      );
    case 'DeclarationRefused':
      return `declaration server: refused with ${quoted(outcome.errorCode)}: ${quoted(outcome.reason)}`;
    case 'SolutionPushed':
      return `declaration server: was sent block ${outcome.height}`;
    default:
      return undefined;
  }
}

function declarationClientLine(
  told: Extract<DemoOutcome, { readonly from: 'declarationClient' }>['outcome'],
): string | undefined {
  if (told.type !== 'OwnWork') return undefined;
  const { outcome } = told;
  switch (outcome.type) {
    case 'OwnJobAccepted':
      return `declaration client: the pool accepted job ${outcome.jobId}`;
    case 'OwnJobRefused':
      return `declaration client: the ${outcome.by} refused job ${outcome.jobId}: ${quoted(outcome.errorCode)}`;
    case 'PairFaulty':
      return `declaration client: ${quoted(outcome.message)}`;
    default:
      return undefined;
  }
}

function poolLine(outcome: Extract<DemoOutcome, { readonly from: 'pool' }>['outcome']): string | undefined {
  switch (outcome.type) {
    case 'ChannelOpened':
      return `pool: ${quoted(nameOf(outcome.userIdentity))} opened ${outcome.kind} channel ${outcome.channelId}`;
    case 'ShareRejected':
      return `pool: share of ${outcome.userIdentity === null ? 'an unknown channel' : quoted(nameOf(outcome.userIdentity))} rejected: ${quoted(outcome.errorCode)}`;
    default:
      return undefined;
  }
}

function providerLine(
  outcome: Extract<DemoOutcome, { readonly from: 'templateProvider' }>['outcome'],
  { blocks: [block] }: DemoState,
): string | undefined {
  if (outcome.type === 'BlockRejected') return `block rejected: ${quoted(outcome.reason)}`;
  if (outcome.type !== 'BlockAccepted' || block === undefined) return undefined;
  const { height, finder, interval, hash } = block;
  return `block ${height} accepted, found by ${quoted(finder)} after ${(interval / 1_000).toFixed(1)} s: ${hash}`;
}
