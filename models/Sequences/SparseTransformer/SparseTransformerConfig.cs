namespace TorchZoo.Models.Sequences;

/// <summary>What a <see cref="SparseTransformer"/> is made of; defaults make a small model of bytes.</summary>
public sealed record SparseTransformerConfig
{
    /// <summary>V, how many tokens there are.</summary>
    public int VocabularySize { get; init; } = 256;

    /// <summary>n, the most positions of a sequence.</summary>
    public int Length { get; init; } = 1024;

    /// <summary>d, features of a position.</summary>
    public int Dim { get; init; } = 256;

    /// <summary>N, residual blocks.</summary>
    public int Layers { get; init; } = 6;

    /// <summary>Attention heads of a block; they divide <see cref="Dim"/>, and its share <see cref="QkRatio"/>.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>Which positions attend to which.</summary>
    public FactorizedPattern Pattern { get; init; }

    /// <summary>How the pattern's two parts come together.</summary>
    public FactorizedAttentionLayout Layout { get; init; }

    /// <summary>For <see cref="FactorizedAttentionLayout.Interleaved"/>: each layer's part, repeated; 0 is the local one, 1 strided or
    /// summary. The paper's net for CIFAR-10 has 1, 0, 0, 0.</summary>
    public IReadOnlyList<int> Parts { get; init; } = [0, 1];

    /// <summary>l, about √n; for images a row's length.</summary>
    public int Stride { get; init; } = 32;

    /// <summary>c, summary columns of <see cref="FactorizedPattern.Fixed"/>.</summary>
    public int SummaryWidth { get; init; } = 8;

    /// <summary>Blocks of c summary columns that heads take in turns, from a chunk's end.</summary>
    public int NumVerts { get; init; } = 1;

    /// <summary>Hidden features of the feed-forward part, of d: 4, or 2 for the paper's half-size nets.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>Features of queries and keys, of d: 1, or ½ for the paper's half-size nets.</summary>
    public double QkRatio { get; init; } = 1;

    /// <summary>Share of each branch's output that is dropped before it is added, in [0, 1).</summary>
    public double Dropout { get; init; }

    /// <summary>Positions as numbers of several digits, each with an embedding of its own: sizes of the axes, slowest first, e.g. rows,
    /// columns and channels of an image. Null: ⌈n/l⌉ rows of l.</summary>
    public IReadOnlyList<int>? PositionAxes { get; init; }

    /// <summary>Variances of initial weights are this over the number of inputs. 0.125 in the paper.</summary>
    public double InitScale { get; init; } = 0.125;

    /// <summary>Whether the logits' weights are the tokens' embeddings. They begin at 0 else.</summary>
    public bool TieWeights { get; init; }

    /// <summary>Whether only blocks' inputs are kept for the backward pass, which computes the rest again.</summary>
    public bool Checkpoint { get; init; }

    /// <summary>Sizes of the axes that positions are taken apart into.</summary>
    internal IReadOnlyList<int> Axes => PositionAxes ?? [(Length + Stride - 1) / Stride, Stride];

    internal int QkDim => (int)Math.Round(Dim * QkRatio);

    internal int MlpDim => (int)Math.Round(Dim * MlpRatio);

    /// <exception cref="ArgumentException">A number is out of its range, or the numbers don't go together.</exception>
    internal void Validate()
    {
        Positive(VocabularySize, nameof(VocabularySize));
        Positive(Length, nameof(Length));
        Positive(Dim, nameof(Dim));
        Positive(Layers, nameof(Layers));
        Positive(Heads, nameof(Heads));
        Positive(Stride, nameof(Stride));
        Positive(MlpDim, nameof(MlpRatio));
        Positive(QkDim, nameof(QkRatio));
        if (Dim % Heads != 0) throw new ArgumentException($"expected a number of heads that divides {Dim}, got {Heads}", nameof(Heads));
        if (QkDim % Heads != 0)
            throw new ArgumentException($"expected a ratio that leaves each of {Heads} heads as many features, got {QkRatio}",
                nameof(QkRatio));
        if (!(Dropout is >= 0 and < 1)) throw new ArgumentException($"expected a share in [0, 1), got {Dropout}", nameof(Dropout));
        if (!(InitScale is >= 0 and < double.PositiveInfinity))
            throw new ArgumentException($"expected a finite scale of at least 0, got {InitScale}", nameof(InitScale));
        if (!Enum.IsDefined(Pattern)) throw new ArgumentException($"expected a pattern, got {Pattern}", nameof(Pattern));
        if (!Enum.IsDefined(Layout)) throw new ArgumentException($"expected a layout, got {Layout}", nameof(Layout));
        if (Parts.Count == 0 || Parts.Any(p => p is not (0 or 1)))
            throw new ArgumentException($"expected parts 0 and 1, got ({string.Join(", ", Parts)})", nameof(Parts));
        if (Layout == FactorizedAttentionLayout.PerHead && Heads < 2)
            throw new ArgumentException("expected at least two heads to share the parts, got 1", nameof(Heads));
        if (Axes.Count == 0 || Axes.Any(a => a < 1) || Axes.Aggregate(1L, (product, a) => Math.Min(int.MaxValue, product * a)) < Length)
            throw new ArgumentException($"expected positive sizes whose product is at least {Length}, got ({string.Join(", ", Axes)})",
                nameof(PositionAxes));
        if (Pattern == FactorizedPattern.Fixed) _ = AttentionPattern.Fixed(1, Stride, SummaryWidth, NumVerts);

        static void Positive(int value, string name)
        {
            if (value < 1) throw new ArgumentException($"expected a number that comes to at least 1, got {value}", name);
        }
    }

    /// <summary>The pattern of each head of a layer, or one for all.</summary>
    internal IReadOnlyList<AttentionPattern> PatternsOf(int layer, int length)
    {
        if (Pattern == FactorizedPattern.Dense) return [AttentionPattern.Causal(length)];
        if (Pattern == FactorizedPattern.Local) return [AttentionPattern.Local(length, Stride)];
        var isStrided = Pattern == FactorizedPattern.Strided;
        if (Layout == FactorizedAttentionLayout.Merged)
            return isStrided ? [AttentionPattern.StridedMerged(length, Stride)]
                : [AttentionPattern.Fixed(length, Stride, SummaryWidth, NumVerts)];
        AttentionPattern[] parts = isStrided
            ? [AttentionPattern.Local(length, Stride), AttentionPattern.Strided(length, Stride)]
            : [AttentionPattern.FixedLocal(length, Stride), AttentionPattern.FixedSummary(length, Stride, SummaryWidth, NumVerts)];
        return Layout == FactorizedAttentionLayout.Interleaved ? [parts[Parts[layer % Parts.Count]]]
            : [.. Enumerable.Range(0, Heads).Select(h => parts[h < (Heads + 1) / 2 ? 0 : 1])];
    }
}
