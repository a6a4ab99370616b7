/** Conversations as the text that a model was trained on: its own template, in the language Jinja, by a library. */
import { dsnkError, spelled } from '../errors.js';
import { jinjaPackage } from '../runtime/packages.js';

/** One turn of a conversation. */
export interface ChatMessage {
  /** `system`, `user`, `assistant`, or what else the model's template knows. */
  readonly role: string;
  readonly content: string;
}

export interface ChatFormat {
  /** Jinja. */
  readonly template: string;
  /** Texts that the template may name: bos_token, eos_token, … */
  readonly tokens: Readonly<Record<string, string>>;
}

/** Most characters of a template, and of what it makes of messages: both are words of strangers. */
const MAX_TEMPLATE = 2 ** 18;

/** The text of a conversation up to where the next answer begins. */
export function chatText({ template, tokens }: ChatFormat, messages: readonly ChatMessage[], where: string): string {
  const bad = (mustHold: string, came: string, cause?: unknown) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'chat', mustHold, came, cause);
  if (!Array.isArray(messages) || messages.length === 0) throw bad('messages must be a list with one at least', `${spelled(messages)} came`);
  for (const m of messages as readonly Partial<ChatMessage>[]) {
    if (typeof m?.role !== 'string' || typeof m.content !== 'string') throw bad('messages must have a role and content, both strings', `${spelled(m)} came`);
  }
  const { Template } = jinjaPackage();
  const attempt = <T>(work: () => T, failed: (cause: Error) => Error): T => {
    try {
      return work();
    } catch (cause) {
      throw cause instanceof Error ? failed(cause) : cause;
    }
  };
  const parsed = attempt(
    () => new Template(template),
    (cause) => dsnkError('ERR_DSNK_INVALID_MODEL', where, 'chat_template must be one that @huggingface/jinja reads', cause.message, cause),
  );
  const turns = messages.map(({ role, content }) => ({ role, content }));
  // A template may refuse what it does not know, in words of its own.
  return attempt(
    () => parsed.render({ ...tokens, messages: turns, add_generation_prompt: true }),
    (cause) => bad("messages must be a conversation that the model's template takes", cause.message, cause),
  );
}

/** What a configuration says of conversations; undefined where it says nothing. A list has templates by name: the default one is taken. */
export function chatFormatOf(template: unknown, names: Readonly<Record<string, unknown>>, where: string): ChatFormat | undefined {
  const own = Array.isArray(template) ? template.find((t) => t?.name === 'default')?.template : template;
  if (own === undefined || own === null) return undefined;
  if (typeof own !== 'string' || own.length > MAX_TEMPLATE)
    throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `chat_template must be a text of ${MAX_TEMPLATE} characters at most`, `${spelled(own)} came`);
  const tokens: Record<string, string> = {};
  for (const name of ['bos_token', 'eos_token', 'unk_token', 'pad_token']) {
    const value = names[name];
    const text = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
    if (typeof text === 'string') tokens[name] = text;
  }
  return { template: own, tokens };
}
