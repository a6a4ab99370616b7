/** What an expansion is: the nodes that compute a node's outputs, one value per output that has a reader. */
import type { Node, Value } from '../../graph/graph.js';
import type { GraphEditor } from '../editor.js';

export type Expansion = (edit: GraphEditor, node: Node) => readonly (Value | undefined)[];
