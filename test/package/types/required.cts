import { DsnkError, errorCodes, InferenceSession, type Tensor } from 'ds-native-kernels';

export async function runs(session: InferenceSession, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  return session.run(feeds);
}
export const create: Promise<InferenceSession> = InferenceSession.create(new Uint8Array(8), { intraOpNumThreads: 1 });
export const codes: readonly string[] = Object.keys(errorCodes);
export const isOurs = (error: unknown): error is DsnkError => error instanceof DsnkError;
