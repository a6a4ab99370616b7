/** Functions of one byte: a look into a table of 256. */
import { kernelParams } from './params.js';

/** y[i] = table[x[i]]. Operands: y, x, table [256], all bytes. */
export const byteTableParams = kernelParams('ByteTableParams', { count: 'i64' });
