/** As much of a Bitcoin node as a declaration server asks for: one tip, an empty mempool, and every proposal is right. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** 64 hex digits. */
const bestBlock = '01'.padStart(64, '0');

const template = {
  ...{ version: 0x2000_0000, rules: ['csv', '!segwit', 'taproot'], capabilities: ['proposal'] },
  ...{ previousblockhash: bestBlock, longpollid: `${bestBlock}7`, transactions: [], coinbaseaux: {} },
  ...{ coinbasevalue: 5_000_000_000, target: '7fffff'.padEnd(64, '0'), bits: '207fffff', height: 102 },
  ...{
    mintime: 1_700_000_000,
    mutable: ['time', 'transactions', 'prevblock'],
    vbavailable: {},
    vbrequired: 0,
  },
  ...{ noncerange: '00000000ffffffff', sigoplimit: 80_000, sizelimit: 4_000_000, weightlimit: 4_000_000 },
  default_witness_commitment: `6a24aa21a9ed${'05'.padStart(64, '0')}`,
};

/** What is answered; undefined for what it never answers, as nothing happens here. */
function answerTo(method: string, params: readonly unknown[]): unknown {
  const [request] = params as [{ readonly mode?: string; readonly longpollid?: string }?];
  switch (method) {
    case 'getblocktemplate':
      if (request?.mode === 'proposal') return { result: null, error: null };
      if (request?.longpollid !== undefined) return undefined;
      return { result: { ...template, curtime: Math.floor(Date.now() / 1_000) }, error: null };
    case 'getbestblockhash':
      return { result: bestBlock, error: null };
    case 'getrawmempool':
      return { result: [], error: null };
    default:
      return { result: null, error: { code: -32_601, message: 'Method not found' } };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString();
  return body;
}

/** Starts one on 127.0.0.1, for as long as this process runs. Returns its URL. */
export async function startBitcoinNode(): Promise<string> {
  const server = createServer((request, response) => {
    bodyOf(request).then(
      (body) => {
        const { id, method, params } = JSON.parse(body) as {
          readonly id: number;
          readonly method: string;
          readonly params: readonly unknown[];
        };
        const answer = answerTo(method, params);
        if (answer !== undefined) response.end(JSON.stringify({ id, ...answer }));
      },
      () => undefined, // whoever asked has gone
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return `http://user:password@127.0.0.1:${(server.address() as AddressInfo).port}`;
}
