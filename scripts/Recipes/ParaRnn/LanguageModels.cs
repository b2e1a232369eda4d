using TorchSharp.Modules;
using TorchZoo.Layers;
using TorchZoo.Models.Sequences;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Scripts.Recipes;

/// <summary>What a <see cref="ParaRnnLanguageModel"/> is compared with: models of about as many weights, tokens (batch, time) →
/// logits.</summary>
internal static class LanguageModels
{
    public static CellKind CellOf(string name) => name == "lstm" ? CellKind.Lstm : CellKind.Gru;

    /// <summary>An embedding whose transpose makes the logits.</summary>
    private static Embedding TiedEmbedding(long vocabulary, long dim)
    {
        var embedding = Embedding(vocabulary, dim);
        using var off = no_grad();
        embedding.weight!.normal_(0, 1 / Math.Sqrt(dim));
        return embedding;
    }

    /// <summary>TorchSharp's LSTM of two layers, as wide as makes a number of weights.</summary>
    public sealed class Lstm : Module<Tensor, Tensor>
    {
        private readonly Embedding _embedding;
        private readonly LSTM _lstm;
        private readonly Linear _out;

        public Lstm(long vocabulary, long dim, int layers, long weights) : base(nameof(Lstm))
        {
            long hidden = 1;
            while (Count(hidden + 1) <= weights) hidden++;
            (_embedding, _lstm, _out) = (TiedEmbedding(vocabulary, dim), LSTM(dim, hidden, layers, batchFirst: true), Linear(hidden, dim));
            RegisterComponents();

            long Count(long h) => vocabulary * dim + 4 * h * (dim + h + 2) + (layers - 1) * 4 * h * (2 * h + 2) + (h + 1) * dim;
        }

        public override Tensor forward(Tensor tokens)
        {
            using var scope = NewDisposeScope();
            var (y, h, c) = _lstm.call(_embedding.call(tokens));
            return _out.call(y).matmul(_embedding.weight!.t()).MoveToOuterDisposeScope();
        }
    }

    /// <summary>A transformer with the same norms and perceptrons as the recurrent model and learned positions.</summary>
    public sealed class Transformer : Module<Tensor, Tensor>
    {
        private readonly Embedding _embedding, _positions;
        private readonly ModuleList<Block> _layers;
        private readonly RmsNorm _norm;

        public Transformer(long vocabulary, long dim, int layers, long heads, long length, long mlpDim) : base(nameof(Transformer))
        {
            (_embedding, _positions) = (TiedEmbedding(vocabulary, dim), TiedEmbedding(length, dim));
            _layers = ModuleList<Block>([.. Enumerable.Range(0, layers).Select(_ => new Block(dim, heads, mlpDim))]);
            _norm = new(dim);
            RegisterComponents();
        }

        public override Tensor forward(Tensor tokens)
        {
            using var scope = NewDisposeScope();
            var x = _embedding.call(tokens) + _positions.call(arange(tokens.shape[1], ScalarType.Int64, tokens.device));
            foreach (var layer in _layers) x = layer.call(x);
            return _norm.call(x).matmul(_embedding.weight!.t()).MoveToOuterDisposeScope();
        }

        private sealed class Block : Module<Tensor, Tensor>
        {
            private readonly RmsNorm _attentionNorm, _mlpNorm;
            private readonly Linear _in, _out;
            private readonly SwiGlu _mlp;
            private readonly long _heads;

            public Block(long dim, long heads, long mlpDim) : base(nameof(Block))
            {
                (_attentionNorm, _mlpNorm, _mlp, _heads) = (new(dim), new(dim), new(dim, mlpDim), heads);
                (_in, _out) = (Linear(dim, 3 * dim, hasBias: false), Linear(dim, dim, hasBias: false));
                RegisterComponents();
            }

            public override Tensor forward(Tensor x)
            {
                using var scope = NewDisposeScope();
                var (batch, time, dim) = (x.shape[0], x.shape[1], x.shape[2]);
                var qkv = _in.call(_attentionNorm.call(x)).view(batch, time, 3, _heads, dim / _heads).permute(2, 0, 3, 1, 4).unbind(0);
                var attended = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_casual: true);
                x = x + _out.call(attended.transpose(1, 2).reshape(batch, time, dim));
                return (x + _mlp.call(_mlpNorm.call(x))).MoveToOuterDisposeScope();
            }
        }
    }
}
