using NUnit.Framework;
using TorchZoo.Losses;
using TorchZoo.Models.Sequences;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class SparseTransformerTests
{
    internal static readonly ModelSample Sample = new("sparse-transformer",
        new SparseTransformerConfig { VocabularySize = 7, Length = 20, Dim = 8, Layers = 2, Heads = 2, Stride = 4, TieWeights = true },
        [2, 17])
    {
        Random = shape => randint(7, shape, ScalarType.Int64),
    };

    private static readonly SparseTransformerConfig Small = new()
    {
        VocabularySize = 11,
        Length = 45,
        Dim = 24,
        Layers = 3,
        Heads = 4,
        Stride = 7,
        SummaryWidth = 2,
        NumVerts = 2,
        InitScale = 0.5,
    };

    private static IEnumerable<SparseTransformerConfig> Variants() =>
        from pattern in Enum.GetValues<FactorizedPattern>()
        from layout in Enum.GetValues<FactorizedAttentionLayout>()
        where layout == default || pattern is FactorizedPattern.Strided or FactorizedPattern.Fixed
        select Small with { Pattern = pattern, Layout = layout, QkRatio = 0.5, TieWeights = layout == FactorizedAttentionLayout.Merged };

    // With logits that say something.
    private static SparseTransformer Model(SparseTransformerConfig config, ulong seed = 1)
    {
        using var generator = new Generator(seed);
        var model = new SparseTransformer(config, generator);
        using var off = no_grad();
        foreach (var (name, parameter) in model.named_parameters())
            if (name == "head" || name.EndsWith("bias", StringComparison.Ordinal))
                parameter.copy_(randn(parameter.shape, generator: generator) * 0.3);
        return model;
    }

    private static Tensor Tokens(SparseTransformerConfig config, long batch, long n, ulong seed = 1) =>
        randint(config.VocabularySize, [batch, n], ScalarType.Int64, generator: new Generator(seed));

    [TestCaseSource(nameof(Variants))]
    public void AllKernelsAgree(SparseTransformerConfig config)
    {
        using var scope = NewDisposeScope();
        using var model = Model(config);
        var tokens = Tokens(config, 2, 45);
        Tensor Logits(AttentionKernel kernel)
        {
            foreach (var block in model.Blocks) block.Attention.Kernel = kernel;
            return model.call(tokens);
        }
        var expected = Logits(AttentionKernel.DenseMasked);
        foreach (var kernel in Enum.GetValues<AttentionKernel>())
            Assert.That(Logits(kernel).allclose(expected, 0, 1e-5), Is.True, $"{kernel}");
    }

    [TestCaseSource(nameof(Variants))]
    public void GeneratedStepByStepTheLogitsAreThoseOfTheWholeSequence(SparseTransformerConfig config)
    {
        using var scope = NewDisposeScope();
        using var model = Model(config);
        var tokens = Tokens(config, 2, config.Length);
        var whole = model.call(tokens);
        using var state = model.Begin();
        var patterns = model.Blocks.Select(b => b.Attention.Patterns).ToList();
        for (var t = 0; t < config.Length; t++)
        {
            var logits = model.Step(state, t == 0 ? null : tokens.select(1, t - 1), 2);
            Assert.That((logits - whole.select(1, t)).abs().max().item<float>(), Is.LessThan(1e-5), $"position {t}");
            for (var layer = 0; layer < config.Layers; layer++)
            {
                // What some head of a later position attends to.
                var needed = Enumerable.Range(0, t + 1).Count(j => Enumerable.Range(0, config.Heads).Any(h =>
                    patterns[layer][patterns[layer].Count == 1 ? 0 : h].LastQuery(j, h) > t));
                Assert.That(state.CacheSizes[layer], Is.EqualTo(needed), $"position {t}, layer {layer}");
            }
        }
        Assert.That(() => model.Step(state, tokens.select(1, 0)), Throws.ArgumentException);
    }

    [TestCaseSource(nameof(Variants))]
    public void ATokenChangesLaterLogitsAlone(SparseTransformerConfig config)
    {
        using var scope = NewDisposeScope();
        using var model = Model(config);
        var tokens = Tokens(config, 1, 40);
        foreach (var t in new[] { 0, 5, 13, 38 })
        {
            var changed = tokens.clone();
            changed[0, t] = (changed[0, t] + 1) % config.VocabularySize;
            var differs = model.call(changed).ne(model.call(tokens)).any(-1)[0];
            Assert.That(differs.narrow(0, 0, t + 1).any().item<bool>(), Is.False, $"at or before {t}");
            Assert.That(differs.narrow(0, t + 1, 39 - t).any().item<bool>(), Is.True, $"after {t}");
        }
    }

    [Test]
    public void AtFirstItKnowsNothing()
    {
        using var scope = NewDisposeScope();
        using var model = new SparseTransformer(Small);
        var tokens = Tokens(Small, 3, 45);
        var logits = model.call(tokens);
        Assert.That(logits.eq(0).all().item<bool>(), Is.True);
        Assert.That(TokenCrossEntropy.Loss(logits, tokens).item<float>(), Is.EqualTo(Math.Log(11)).Within(1e-6));
    }

    [Test]
    public void InitialWeightsHaveTheirVariance()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var config = new SparseTransformerConfig { Dim = 128, Layers = 8, VocabularySize = 300, QkRatio = 0.5 };
        using var model = new SparseTransformer(config, generator);
        var weights = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        double Std(string name) => weights[name].std().item<float>();
        Assert.Multiple(() =>
        {
            foreach (var name in new[] { "attn.q", "attn.k", "attn.v", "mlp_in" })
                Assert.That(Std($"blocks.0.{name}.weight"), Is.EqualTo(Math.Sqrt(0.125 / 128)).Within(3).Percent, name);
            Assert.That(Std("blocks.0.attn.proj.weight"), Is.EqualTo(Math.Sqrt(0.125 / 128 / 16)).Within(3).Percent);
            Assert.That(Std("blocks.0.mlp_out.weight"), Is.EqualTo(Math.Sqrt(0.125 / 512 / 16)).Within(3).Percent);
            Assert.That(Std("tok_emb"), Is.EqualTo(0.01).Within(3).Percent);
            Assert.That(Std("pos_emb.axes.0"), Is.EqualTo(0.01 / Math.Sqrt(2)).Within(5).Percent);
            Assert.That(Std("sos"), Is.EqualTo(0.01).Within(15).Percent);
            foreach (var (name, weight) in weights.Where(w => w.Key.EndsWith("bias", StringComparison.Ordinal)))
                Assert.That(weight.eq(0).all().item<bool>(), Is.True, name);
            Assert.That(weights["head"].eq(0).all().item<bool>(), Is.True);
            Assert.That(weights["blocks.0.attn.q.weight"].shape, Is.EqualTo(new[] { 64, 128 }));
            Assert.That(weights["blocks.0.attn.v.weight"].shape, Is.EqualTo(new[] { 128, 128 }));
        });
    }

    // Branches are smaller the more there are.
    [Test]
    public void DepthDoesntLetTheVarianceGrow()
    {
        using var scope = NewDisposeScope();
        double Variance(int layers)
        {
            using var generator = new Generator(1);
            var config = new SparseTransformerConfig { Dim = 64, Layers = layers, Stride = 16, Length = 256 };
            using var model = new SparseTransformer(config, generator);
            var x = randn([4, 256, 64], generator: generator);
            foreach (var block in model.Blocks) x = block.call(x);
            return x.var().item<float>();
        }
        Assert.That(Variance(48), Is.EqualTo(Variance(4)).Within(15).Percent);
    }

    [Test]
    public void CheckpointingChangesNoBit()
    {
        using var scope = NewDisposeScope();
        var tokens = Tokens(Small, 2, 45);
        List<Tensor> Gradients(bool checkpoint)
        {
            using var model = Model(Small with { Dropout = 0.3, Checkpoint = checkpoint });
            manual_seed(3);
            TokenCrossEntropy.Loss(model.call(tokens), tokens).backward();
            return [.. model.parameters().Select(p => p.grad!.clone())];
        }
        Assert.That(Gradients(true).Zip(Gradients(false)).All(g => g.First.Equals(g.Second)), Is.True);
    }

    [Test]
    public void DropoutIsOfTrainingAndOfBranches()
    {
        using var scope = NewDisposeScope();
        using var model = Model(Small with { Dropout = 0.5 });
        using var same = Model(Small);
        var tokens = Tokens(Small, 2, 30);
        model.eval();
        Assert.That(model.call(tokens).Equals(same.call(tokens)), Is.True);
        model.train();
        Assert.That(model.call(tokens).allclose(model.call(tokens)), Is.False);
        // Nothing is dropped of what no branch has touched.
        Assert.That(model.Shares(tokens, 0).Equals(same.Shares(tokens, 0)), Is.True);
    }

    [Test]
    public void SharesAreThoseOfThePattern()
    {
        using var scope = NewDisposeScope();
        using var model = Model(Small with { Pattern = FactorizedPattern.Fixed, Layout = FactorizedAttentionLayout.Merged });
        var shares = model.Shares(Tokens(Small, 2, 31), 2);
        Assert.That(shares.shape, Is.EqualTo(new[] { 2, 4, 31, 31 }));
        Assert.That(shares.sum(-1).allclose(ones(2, 4, 31), 0, 1e-5), Is.True);
        var pattern = AttentionPattern.Fixed(31, 7, 2, 2);
        for (var h = 0; h < 4; h++) Assert.That(shares[0, h].gt(0).Equals(pattern.ToMask(h)), Is.True);
    }

    [Test]
    public void SamplesAreRepeatableAndBeginWithThePrompt()
    {
        using var scope = NewDisposeScope();
        using var model = Model(Small);
        var prompt = Tokens(Small, 3, 6);
        Tensor Drawn(ulong seed, int topK = 0) => model.Sample(20, prompt, 0.8, topK, new Generator(seed));
        var first = Drawn(1);
        Assert.Multiple(() =>
        {
            Assert.That(first.shape, Is.EqualTo(new[] { 3, 26 }));
            Assert.That(first.narrow(1, 0, 6).Equals(prompt), Is.True);
            Assert.That(first.Equals(Drawn(1)), Is.True);
            Assert.That(first.Equals(Drawn(2)), Is.False);
            Assert.That(model.Sample(45).shape, Is.EqualTo(new[] { 1, 45 }));
            Assert.That(model.Sample(0, prompt).Equals(prompt), Is.True);
        });
        var best = model.Sample(20, prompt, temperature: 0);
        Assert.That(best.Equals(Drawn(1, topK: 1)), Is.True);
        Assert.That(model.call(best).argmax(-1).narrow(1, 6, 20).Equals(best.narrow(1, 6, 20)), Is.True);
    }

    [Test]
    public void ItTakesAnyLengthUpToItsOwn()
    {
        using var scope = NewDisposeScope();
        using var model = Model(Small);
        var tokens = Tokens(Small, 1, 45);
        var whole = model.call(tokens);
        foreach (var n in new[] { 1, 2, 7, 8, 44 })
            Assert.That(model.call(tokens.narrow(1, 0, n)).allclose(whole.narrow(1, 0, n), 0, 1e-5), Is.True, $"{n}");
    }

    [Test]
    public void PositionsAreTakenApartIntoDigits()
    {
        using var scope = NewDisposeScope();
        using var embedding = new FactorizedPositionEmbedding([3, 4, 2], 5);
        var axes = embedding.parameters().ToArray();
        var embedded = embedding.call(arange(24));
        Assert.That(embedding.Count, Is.EqualTo(24));
        for (var t = 0; t < 24; t++)
            Assert.That(embedded[t].allclose(axes[0][t / 8] + axes[1][t / 2 % 4] + axes[2][t % 2]), Is.True, $"{t}");
    }

    [Test]
    public void TheActivationIsNearGelu()
    {
        using var scope = NewDisposeScope();
        var x = linspace(-10, 10, 2001, ScalarType.Float64).requires_grad_();
        var y = QuickGelu.Apply(x);
        y.sum().backward();
        Assert.Multiple(() =>
        {
            Assert.That(y[1000].item<double>(), Is.Zero.Within(1e-12));
            Assert.That(x.grad![1000].item<double>(), Is.EqualTo(0.5).Within(1e-12));
            Assert.That((y - nn.functional.gelu(x)).abs().max().item<double>(), Is.LessThan(0.021));
        });
    }

    [Test]
    public void WeightsMayBeTied()
    {
        using var scope = NewDisposeScope();
        using var model = Model(Small with { TieWeights = true });
        Assert.That(model.named_parameters().Any(p => p.name == "head"), Is.False);
        var tokens = Tokens(Small, 1, 20);
        TokenCrossEntropy.Loss(model.call(tokens), tokens).backward();
        Assert.That(model.get_parameter("tok_emb")!.grad!.ne(0).any(-1).all().item<bool>(), Is.True);
    }

    private static readonly (string, Func<SparseTransformerConfig, SparseTransformerConfig>)[] Bad =
    [
        ("VocabularySize", c => c with { VocabularySize = 0 }), ("Length", c => c with { Length = 0 }), ("Dim", c => c with { Dim = 0 }),
        ("Layers", c => c with { Layers = 0 }), ("Heads", c => c with { Heads = 5 }), ("Stride", c => c with { Stride = 0 }),
        ("MlpRatio", c => c with { MlpRatio = 0 }), ("QkRatio", c => c with { QkRatio = 0.1 }), ("Dropout", c => c with { Dropout = 1 }),
        ("Parts", c => c with { Parts = [2] }), ("PositionAxes", c => c with { PositionAxes = [5, 8] }),
        ("summaryBlocks", c => c with { Pattern = FactorizedPattern.Fixed, NumVerts = 4 }), ("InitScale", c => c with { InitScale = -1 }),
        ("Heads", c => c with { Heads = 1, Layout = FactorizedAttentionLayout.PerHead }),
        ("Pattern", c => c with { Pattern = (FactorizedPattern)9 }),
    ];

    [Test]
    public void BadConfigurationsAreRefused() => Assert.Multiple(() =>
    {
        foreach (var (parameter, change) in Bad)
            Assert.That(() => new SparseTransformer(change(Small)),
                Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo(parameter));
    });

    [Test]
    public void BadInputIsRefused()
    {
        using var scope = NewDisposeScope();
        using var model = Model(Small);
        using var state = model.Begin();
        Assert.Multiple(() =>
        {
            Assert.That(() => model.call(randn(2, 9)), Throws.ArgumentException);
            Assert.That(() => model.call(Tokens(Small, 1, 46)), Throws.ArgumentException);
            Assert.That(() => model.call(Tokens(Small, 1, 9)[0]), Throws.ArgumentException);
            Assert.That(() => model.Sample(46), Throws.ArgumentException);
            Assert.That(() => model.Sample(4, temperature: -1), Throws.ArgumentException);
            Assert.That(() => model.Sample(40, Tokens(Small, 1, 6)), Throws.ArgumentException);
            Assert.That(() => model.Step(state, Tokens(Small, 1, 1)[0]), Throws.ArgumentException);
            Assert.That(() => model.Shares(Tokens(Small, 1, 5), 3), Throws.InstanceOf<ArgumentException>());
        });
    }
}
