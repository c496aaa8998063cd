"""A language model of a few hundred kilobytes that says exactly what it is told to.

Not trained, but constructed: every token is a unit vector, attention and feed-forward are zero, and
the output matrix holds, for each token, its successor. So the model is a chain that answers from
the last token only: after the line break that ends the prompt comes the first piece of the script,
after each piece the next one, and after the last the end of the turn. It is enough to have the real
llama.cpp server stream a real reply, with its own tokeniser, template and grammar.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["TOOL_CALL", "write_scripted_model"]

TOOL_CALL: tuple[str, ...] = (
    "<tool_call>",
    '\n{"name": "set_flag", "arguments": ',
    '{"on": true, ',
    '"level": "low"}}',
    "\n</tool_call>",
)
"""A call of `set_flag`, as models with this template write it."""

_TEMPLATE = """\
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}{{- messages[0]['content'] }}{%- endif %}
    {{- "\\n\\n# Tools\\n\\nFunction signatures within <tools></tools> XML tags:\\n<tools>" }}
    {%- for tool in tools %}{{- "\\n" }}{{- tool | tojson }}{%- endfor %}
    {{- "\\n</tools>\\n\\nReturn each call as JSON within <tool_call></tool_call> XML tags:\\n" }}
    {{- '<tool_call>\\n{"name": <name>, "arguments": <object>}\\n</tool_call><|im_end|>\\n' }}
{%- elif messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'assistant' and message.tool_calls %}
        {{- '<|im_start|>assistant' }}
        {%- if message.content %}{{- '\\n' + message.content }}{%- endif %}
        {%- for call in message.tool_calls %}
            {%- set call = call.function if call.function is defined else call %}
            {{- '\\n<tool_call>\\n{"name": "' + call.name + '", "arguments": ' }}
            {{- call.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == 'tool' %}
        {{- '<|im_start|>user\\n<tool_response>\\n' + message.content }}
        {{- '\\n</tool_response><|im_end|>\\n' }}
    {%- elif message.role != 'system' or not loop.first %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""


def write_scripted_model(path: Path, pieces: Sequence[str], *, context: int = 8192) -> None:
    """Write a model that answers every prompt with these pieces, one token each.

    Pieces must differ from each other: the model knows only where it is by the last one.
    """
    import gguf  # optional: the extra `wire`
    import numpy as np  # with gguf

    assert len(set(pieces)) == len(pieces), "a chain cannot say the same piece twice"
    kind = gguf.TokenType
    vocabulary = [("<unk>", kind.UNKNOWN), ("<s>", kind.CONTROL), ("</s>", kind.CONTROL)]
    vocabulary += [(f"<0x{byte:02X}>", kind.BYTE) for byte in range(256)]
    vocabulary += [("<|im_start|>", kind.CONTROL), ("<|im_end|>", kind.CONTROL)]
    vocabulary += [(piece, kind.USER_DEFINED) for piece in pieces]
    names = [name for name, _ in vocabulary]
    end = names.index("<|im_end|>")
    chain = [names.index("<0x0A>"), *(names.index(piece) for piece in pieces), end]
    heads = 4
    width = -(-len(names) // (32 * heads)) * 32 * heads

    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("scripted")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_rope_dimension_count(width // heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(names))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(names)
    writer.add_token_scores([0.0] * len(names))
    writer.add_token_types([int(token_kind) for _, token_kind in vocabulary])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(end)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(_TEMPLATE)

    identity = np.zeros((len(names), width), dtype=np.float32)
    identity[np.arange(len(names)), np.arange(len(names))] = 1.0
    successor = np.zeros((len(names), width), dtype=np.float32)
    successor[end, :] = 1.0  # whatever was said last: stop
    for here, after in zip(chain, chain[1:], strict=False):
        successor[after, here] = 4.0
    writer.add_tensor("token_embd.weight", identity)
    writer.add_tensor("output.weight", successor)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(width, dtype=np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((width, width), dtype=np.float32))
    writer.add_tensor("blk.0.ffn_gate.weight", np.zeros((32, width), dtype=np.float32))
    writer.add_tensor("blk.0.ffn_up.weight", np.zeros((32, width), dtype=np.float32))
    writer.add_tensor("blk.0.ffn_down.weight", np.zeros((width, 32), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
