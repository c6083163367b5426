/** The setting `extra_block_submissions`: nodes that blocks go to as well. */
import * as z from 'zod';
import { toDisplayHex } from '../bitcoin/hash.js';
import { bitcoinNode } from '../node/bitcoin-node.js';
import { BitcoinRpcError } from '../node/bitcoin-rpc-errors.js';
import type { ExtraNode, ExtraSubmission } from '../roles/extra-nodes.js';
import { ConfigError, text } from './config.js';
import { quoted } from './printable.js';
import { info, trouble, type LogLine } from './log-line.js';

/** URLs of Bitcoin nodes, with user and password where they need them. */
export const extraNodesSetting = () =>
  z
    .array(text(1, 2_000), { error: 'expected a list of URLs such as http://user:password@127.0.0.1:8332' })
    .max(16, { error: 'expected 16 at most' })
    .default([]);

/** What `--help` says of the key. */
export const extraNodesHelp = `
  extra_block_submissions = ["http://user:password@10.0.0.2:8332"]    # Bitcoin nodes that blocks go to as well`;

/** The nodes of a setting. @throws ConfigError for a URL that is none */
export const extraNodes = (urls: readonly string[], where = ''): readonly ExtraNode[] =>
  urls.map((url, index) => {
    try {
      const node = bitcoinNode({ url });
      return { name: new URL(url).host, submit: (block) => node.submit(block) };
    } catch (error) {
      if (!(error instanceof BitcoinRpcError)) throw error;
      throw new ConfigError([`${where}extra_block_submissions.${index}: ${error.message}`]);
    }
  });

/** Nodes have a block from others before it is handed to them: that is no trouble. */
export const isKnownBlock = (reason: string): boolean => /^duplicate|already have block/.test(reason);

/** The line that tells what an extra node said. */
export const extraSubmissionLine = ({ node, height, hash, result }: ExtraSubmission): LogLine => {
  const block = `block ${height}, ${toDisplayHex(hash)}`;
  if (result.accepted) return info(`${block}, accepted by ${node} as well`);
  if (isKnownBlock(result.reason)) return info(`${block}, is known to ${node} already`);
  return trouble(`${block}, rejected by ${node}: ${quoted(result.reason)}: ${quoted(result.message)}`);
};
