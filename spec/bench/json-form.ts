/** The three messages as JSON lines with bytes in hexadecimal, as Stratum V1 sends them: by name, values in a row. */
import { NewExtendedMiningJob, NewTemplate, SubmitSharesStandard } from 'rx-sv2';

const toHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
const fromHex = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const wordToHex = (value: number): string => value.toString(16).padStart(8, '0');
const wordFromHex = (hex: string): number => parseInt(hex, 16);

/** The text form of one message. */
export interface JsonForm<M> {
  encode(message: M): string;
  decode(text: string): M;
}

interface Line<P> {
  readonly params: P;
}

export const jsonShare: JsonForm<SubmitSharesStandard> = {
  encode: ({ channelId, sequenceNumber, jobId, nonce, ntime, version }) =>
    JSON.stringify({
      id: sequenceNumber,
      method: 'mining.submit',
      params: [channelId, jobId, wordToHex(ntime), wordToHex(nonce), wordToHex(version)],
    }),
  decode(text) {
    const { id, params } = JSON.parse(text) as Line<[number, number, string, string, string]> & {
      readonly id: number;
    };
    return {
      type: SubmitSharesStandard.type,
      channelId: params[0],
      sequenceNumber: id,
      jobId: params[1],
      nonce: wordFromHex(params[3]),
      ntime: wordFromHex(params[2]),
      version: wordFromHex(params[4]),
    };
  },
};

export const jsonJob: JsonForm<NewExtendedMiningJob> = {
  encode: (job) =>
    JSON.stringify({
      id: null,
      method: 'mining.notify',
      params: [
        job.channelId,
        job.jobId,
        toHex(job.coinbaseTxPrefix),
        toHex(job.coinbaseTxSuffix),
        job.merklePath.map(toHex),
        wordToHex(job.version),
        job.minNtime === null ? null : wordToHex(job.minNtime),
        job.versionRollingAllowed,
      ],
    }),
  decode(text) {
    const { params } = JSON.parse(text) as Line<
      [number, number, string, string, string[], string, string | null, boolean]
    >;
    return {
      type: NewExtendedMiningJob.type,
      channelId: params[0],
      jobId: params[1],
      minNtime: params[6] === null ? null : wordFromHex(params[6]),
      version: wordFromHex(params[5]),
      versionRollingAllowed: params[7],
      merklePath: params[4].map(fromHex),
      coinbaseTxPrefix: fromHex(params[2]),
      coinbaseTxSuffix: fromHex(params[3]),
    };
  },
};

export const jsonTemplate: JsonForm<NewTemplate> = {
  encode: (template) =>
    JSON.stringify({
      ...template,
      templateId: String(template.templateId),
      coinbasePrefix: toHex(template.coinbasePrefix),
      coinbaseTxValueRemaining: String(template.coinbaseTxValueRemaining),
      coinbaseTxOutputs: toHex(template.coinbaseTxOutputs),
      merklePath: template.merklePath.map(toHex),
    }),
  decode(text) {
    type Hex = 'templateId' | 'coinbasePrefix' | 'coinbaseTxValueRemaining' | 'coinbaseTxOutputs';
    const parsed = JSON.parse(text) as Omit<NewTemplate, Hex | 'merklePath'> &
      Record<Hex, string> & { readonly merklePath: string[] };
    return {
      ...parsed,
      type: NewTemplate.type,
      templateId: BigInt(parsed.templateId),
      coinbasePrefix: fromHex(parsed.coinbasePrefix),
      coinbaseTxValueRemaining: BigInt(parsed.coinbaseTxValueRemaining),
      coinbaseTxOutputs: fromHex(parsed.coinbaseTxOutputs),
      merklePath: parsed.merklePath.map(fromHex),
    };
  },
};
