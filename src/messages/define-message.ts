import { CodecError } from '../codec/codec-error.js';
import { Reader } from '../codec/reader.js';
import { structCodec, type Fields, type FieldValues } from '../codec/struct.js';
import { readTlvs, tlvsSize, writeTlvs, type Tlv } from '../codec/tlv.js';
import { Writer } from '../codec/writer.js';

/** The three subprotocols, in the order of `SetupConnection.protocol` (spec §3.6.1). */
export const subprotocols = ['mining', 'jobDeclaration', 'templateDistribution'] as const;

/** One of the three subprotocols. */
export type Subprotocol = (typeof subprotocols)[number];

/** What a message belongs to: a subprotocol, all of them (`common`), or extension 0x0001 (`extensions`). */
export type MessageProtocol = 'common' | 'extensions' | Subprotocol;

/** Who may send a message; CloseChannel may be sent by both. */
export type Sender = 'client' | 'server' | 'both';

/** The declaration of a message: everything about it that is not behaviour. */
export interface MessageSchema<Type extends string = string, F extends Fields = Fields> {
  /** The specification's name, made unique where two protocols share one. */
  readonly type: Type;
  /** The specification's name. */
  readonly name: string;
  readonly protocol: MessageProtocol;
  readonly sentBy: Sender;
  /** Extension that defines the message, without the `channel_msg` bit; 0 for the core protocol. */
  readonly extensionType: number;
  /** 0 to 255. */
  readonly messageType: number;
  /** Whether the `channel_msg` bit is set and the payload starts with a channel id. */
  readonly channelMessage: boolean;
  /** Fields in wire order. */
  readonly fields: F;
  /** Bytes of the smallest payload. */
  readonly minSize: number;
  /** Bytes of the largest payload without TLVs, at most what a frame can hold (2^24 - 1). */
  readonly maxSize: number;
}

/** A message: a plain object, told apart by `type`. */
export type MessageOf<C> =
  C extends MessageCreator<infer Type, infer F>
    ? Readonly<{ type: Type }> & FieldValues<F> & Readonly<{ tlvs?: readonly Tlv[] }>
    : never;

/** Makes messages of one type, recognises them, and turns them into bytes and back. */
export interface MessageCreator<Type extends string = string, F extends Fields = Fields> {
  /**
   * A message of the schema's fields, whatever else `values` holds, and, if given, TLVs of negotiated
   * extensions. Values are checked when the message is encoded, not here.
   */
  (values: FieldValues<F>, tlvs?: readonly Tlv[]): MessageOf<MessageCreator<Type, F>>;
  readonly type: Type;
  readonly schema: MessageSchema<Type, F>;
  /** Whether `message` is of this type. */
  match(message: { readonly type: string }): message is MessageOf<MessageCreator<Type, F>>;
  /** Bytes of the payload; throws CodecError naming the field that cannot be encoded. */
  size(message: FieldValues<F> & { readonly tlvs?: readonly Tlv[] }): number;
  /** Writes the payload of a message whose `size` was taken, at `offset` of `bytes`. */
  encodeInto(
    message: FieldValues<F> & { readonly tlvs?: readonly Tlv[] },
    bytes: Uint8Array,
    offset: number,
  ): void;
  /** The payload (fields, then TLVs, without frame header); throws CodecError. */
  encode(message: FieldValues<F> & { readonly tlvs?: readonly Tlv[] }): Uint8Array;
  /**
   * Reads a payload. Byte fields are views of it.
   * @throws CodecError naming message, field and offset for anything but fields followed by whole TLVs
   */
  decode(payload: Uint8Array): MessageOf<MessageCreator<Type, F>>;
}

/** What `defineMessage` is told about a message. */
export interface MessageDeclaration<F extends Fields> {
  /** The specification's name where `type` had to differ from it. */
  readonly name?: string;
  readonly protocol: MessageProtocol;
  readonly sentBy: Sender;
  /** Extension that defines the message; 0, the core protocol, unless given. */
  readonly extensionType?: number;
  readonly messageType: number;
  readonly channelMessage: boolean;
  readonly fields: F;
}

const maxPayload = 0xffffff;

/**
 * Makes plain objects that get a `type`, then one property after another. V8 gives what a constructor makes room for all that the first of
 * them got; a literal has room for what is written down, and each further three properties are another array beside it.
 */
function plainObjects(): new (type: string) => Record<string, unknown> {
  const Plain = function (this: Record<string, unknown>, type: string): void {
    this['type'] = type;
  };
  Plain.prototype = Object.prototype;
  return Plain as unknown as new (type: string) => Record<string, unknown>;
}

/**
 * Declares a message once; types, codec and size limits follow from it.
 * Extensions declare theirs the same way.
 * @param type the discriminating `type`
 * @param declaration numbers, direction and fields of spec chapters 3 and 5 to 8
 */
export function defineMessage<const Type extends string, F extends Fields>(
  type: Type,
  declaration: MessageDeclaration<F>,
): MessageCreator<Type, F> {
  type M = MessageOf<MessageCreator<Type, F>>;
  const codec = structCodec(type, declaration.fields);
  const schema: MessageSchema<Type, F> = {
    type,
    name: declaration.name ?? type,
    protocol: declaration.protocol,
    sentBy: declaration.sentBy,
    extensionType: declaration.extensionType ?? 0,
    messageType: declaration.messageType,
    channelMessage: declaration.channelMessage,
    fields: declaration.fields,
    minSize: codec.minSize,
    maxSize: Math.min(codec.maxSize, maxPayload),
  };

  const fieldNames = Object.keys(declaration.fields);
  const Plain = plainObjects();

  const create = (values: FieldValues<F>, tlvs?: readonly Tlv[]): M => {
    const message = new Plain(type);
    for (const name of fieldNames) message[name] = values[name];
    if (tlvs !== undefined) message['tlvs'] = tlvs;
    return message as unknown as M;
  };

  const inMessage = (error: unknown) => (error instanceof CodecError ? error.at({ message: type }) : error);

  const size: MessageCreator<Type, F>['size'] = (message) => {
    let total = codec.size(message);
    if (message.tlvs !== undefined) {
      try {
        total += tlvsSize(message.tlvs);
      } catch (error) {
        throw inMessage(error);
      }
    }
    if (total > maxPayload) {
      throw new CodecError(
        'value-out-of-range',
        `a payload holds at most ${maxPayload} bytes, this one needs ${total}`,
        { message: type },
      );
    }
    return total;
  };

  const encodeInto: MessageCreator<Type, F>['encodeInto'] = (message, bytes, offset) => {
    const writer = new Writer(bytes, offset);
    codec.write(writer, message);
    if (message.tlvs !== undefined) writeTlvs(bytes, writer.offset, message.tlvs);
  };

  return Object.assign(create, {
    type,
    schema,
    match: (message: { readonly type: string }): message is M => message.type === type,
    size,
    encodeInto,
    encode(message: FieldValues<F> & { readonly tlvs?: readonly Tlv[] }) {
      const bytes = new Uint8Array(size(message));
      encodeInto(message, bytes, 0);
      return bytes;
    },
    decode(payload: Uint8Array) {
      const reader = new Reader(payload);
      const message = new Plain(type);
      codec.read(reader, message);
      if (reader.remaining > 0) {
        try {
          message['tlvs'] = readTlvs(payload, reader.offset);
        } catch (error) {
          throw inMessage(error);
        }
      }
      return message as unknown as M;
    },
  });
}
