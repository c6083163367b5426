import { formatDifficulty, formatDuration, formatHashRate } from '../format.js';
import type { DemoOutcome, DemoState, MinerState } from './state.js';

const blocksShown = 8;

/** Left out in a narrow terminal: the names say it. */
const channelColumn = 1;

/** Cells padded to columns: text to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[], numeric: readonly boolean[]): string[] {
  const widths = numeric.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        numeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

const minerRow = (miner: MinerState): string[] => [
  miner.name,
  miner.channel,
  miner.connected ? formatHashRate(miner.hashRate) : 'offline',
  miner.difficulty === undefined ? '-' : formatDifficulty(miner.difficulty),
  String(miner.accepted),
  String(miner.rejected),
  String(miner.blocks),
];

/**
 * The demo's screen.
 * @param state what to show
 * @param columns the terminal's width; longer lines are cut
 * @param rows the terminal's height; what does not fit is left out from the list of blocks
 * @returns lines without line ends
 */
export function renderDemo(state: DemoState, columns: number, rows: number): string[] {
  const total = state.miners.reduce((sum, { hashRate }) => sum + hashRate, 0);
  const isNarrow = columns < 72;
  const fitting = (row: readonly string[]) =>
    isNarrow ? row.filter((_, column) => column !== channelColumn) : row;
  const head = [
    `${isNarrow ? '' : 'rx-sv2 demo   '}${formatDuration(state.now - state.startedAt)}   ${formatHashRate(total)}   ${state.blocks.length} ${state.blocks.length === 1 ? 'block' : 'blocks'} accepted, ${state.rejectedBlocks} rejected`,
    '',
    ...table(
      [
        fitting(['miner', 'channel', 'hash rate', 'difficulty', 'accepted', 'rejected', 'blocks']),
        ...state.miners.map((miner) => fitting(minerRow(miner))),
      ],
      isNarrow ? [false, true, true, true, true, true] : [false, false, true, true, true, true, true],
    ),
    '',
  ];
  const foot = [...(state.trouble === undefined ? [] : [state.trouble]), 'Ctrl-C ends it.'];
  const room = Math.max(0, Math.min(blocksShown, rows - head.length - foot.length - 2));
  const blocks =
    state.blocks.length === 0
      ? ['waiting for the first block']
      : table(
          [
            ['block', 'found by', 'after', 'hash'],
            ...state.blocks
              .slice(0, room)
              .map(({ height, finder, interval, hash }) => [
                String(height),
                finder,
                `${(interval / 1_000).toFixed(1)} s`,
                hash,
              ]),
          ],
          [true, false, true, false],
        );
  return [...head, ...blocks, '', ...foot].map((line) => line.slice(0, columns));
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
  const { outcome } = event;
  const who = event.from === 'miner' ? event.name : event.from === 'pool' ? 'pool' : 'template provider';
  switch (outcome.type) {
    case 'connected':
      // a connection has two ends; the client's tells of it
      return event.from === 'templateProvider' || 'clientId' in outcome
        ? undefined
        : `${who}: connected to ${outcome.server.peer.address}`;
    case 'disconnected':
      return `${who}: disconnected: ${outcome.reason.message}`;
    case 'handlerError':
      return `${who}: ${outcome.error instanceof Error ? outcome.error.message : String(outcome.error)}`;
  }
  if (event.from === 'pool') return poolLine(event.outcome);
  return event.from === 'templateProvider' ? providerLine(event.outcome, state) : undefined;
}

function poolLine(outcome: Extract<DemoOutcome, { readonly from: 'pool' }>['outcome']): string | undefined {
  switch (outcome.type) {
    case 'ChannelOpened':
      return `pool: ${outcome.userIdentity} opened ${outcome.kind} channel ${outcome.channelId}`;
    case 'ShareRejected':
      return `pool: share of ${outcome.userIdentity ?? 'an unknown channel'} rejected: ${outcome.errorCode}`;
    default:
      return undefined;
  }
}

function providerLine(
  outcome: Extract<DemoOutcome, { readonly from: 'templateProvider' }>['outcome'],
  { blocks: [block] }: DemoState,
): string | undefined {
  if (outcome.type === 'BlockRejected') return `block rejected: ${outcome.reason}`;
  if (outcome.type !== 'BlockAccepted' || block === undefined) return undefined;
  const { height, finder, interval, hash } = block;
  return `block ${height} accepted, found by ${finder} after ${(interval / 1_000).toFixed(1)} s: ${hash}`;
}
