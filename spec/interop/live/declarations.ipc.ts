/**
 * The same 10,000 mutated declarations at the declaration server inside the reference's pool, with Bitcoin Core over IPC, and at ours,
 * with the same node over RPC.
 */
import { afterEach, expect, it } from '@jest/globals';
import { filter, firstValueFrom, type Subscription } from 'rxjs';
import { jdServer } from '../../../src/index.js';
import { bitcoinNode } from '../../../src/node/bitcoin-node.js';
import { connect } from '../../../src/node/connect.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import type { BlockTemplate } from '../../../src/roles/template-provider/block-source.js';
import { declarer } from '../declarations/declarer.js';
import { declarationDifference } from '../declarations/differences.js';
import { mutatedDeclarations } from '../declarations/mutations.js';
import { startReferenceDeclarator } from '../support/apps.js';
import { bitcoinIpcNode, temporaryDirectory } from '../support/node.js';
import { stopPrograms } from '../support/process.js';

/** The same every time, unless the environment has another one. */
const seed = Number(process.env['INTEROP_SEED'] ?? 20_240_117);
const count = 10_000;

let running: Subscription | undefined;
let removeDirectory = (): void => undefined;

afterEach(async () => {
  running?.unsubscribe();
  await stopPrograms();
  removeDirectory();
});

/** What the session has to contain, so that agreement means something. */
const judgements = [
  'both refuse it',
  'both take it',
  'declarationBytes',
  'declarationCode',
  'declarationUnpaid',
];

it(`agree on ${count} declarations made from seed ${seed}`, async () => {
  const directory = temporaryDirectory();
  removeDirectory = () => directory.remove();
  const bitcoin = await bitcoinIpcNode(directory.path);
  await bitcoin.start();
  // anybody can spend its coinbases; those of the first ten blocks are old enough
  const blocks = await bitcoin.call<string[]>('generatetodescriptor', 110, 'raw(51)');
  for (const hash of blocks.slice(0, 4)) {
    const { tx } = await bitcoin.call<{ readonly tx: readonly string[] }>('getblock', hash, 1);
    const to = { bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080: 49.999 };
    const raw = await bitcoin.call('createrawtransaction', [{ txid: tx[0], vout: 0 }], [to]);
    await bitcoin.call('sendrawtransaction', raw);
  }

  const reference = await startReferenceDeclarator(directory.path);
  const node = bitcoinNode({ url: bitcoin.url });
  const network = memoryNetwork();
  running = jdServer({
    listen: network.listen({ address: 'jds' }),
    node,
    outputs: [{ value: 0n, scriptPubKey: Uint8Array.of(0x51) }],
    nonsenseBurst: 10 * count, // what is refused here would have a client disconnected
  })
    .start()
    .subscribe();
  const template = await firstValueFrom(
    node.update$.pipe(filter((update): update is BlockTemplate => update.type === 'BlockTemplate')),
  );
  expect(template.transactions).toHaveLength(4);
  const [host, port] = reference.declarator.split(':');
  const theirs = await declarer('the reference', connect({ host: host ?? '', port: Number(port) }), template);
  const ours = await declarer('ours', network.connect({ address: 'jds', encrypted: false }), template);

  const counts = new Map<string, number>();
  for (const [number, declaration] of [...mutatedDeclarations(template, seed, count)].entries()) {
    const [their, our] = await Promise.all([theirs.declare(declaration), ours.declare(declaration)]);
    let judgement = our.verdict === 'ok' ? 'both take it' : 'both refuse it';
    if (their.verdict !== our.verdict) {
      const difference = declarationDifference(declaration, their, our);
      const { mutations } = declaration;
      const where = { seed, number, mutations, their, our };
      // the whole is shown when it is not explained
      expect({ ...where, difference }).toEqual({ ...where, difference: difference ?? 'an explained one' });
      judgement = String(difference);
    }
    counts.set(judgement, (counts.get(judgement) ?? 0) + 1);
  }
  theirs.close();
  ours.close();
  expect([...counts.keys()].sort()).toEqual(judgements);
  const table = [...counts].map(([name, times]) => `${name} ${times}`).join(', ');
  process.stdout.write(`seed ${seed}: ${table}\n`);
});
