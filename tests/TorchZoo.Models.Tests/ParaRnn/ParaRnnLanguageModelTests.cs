using NUnit.Framework;
using TorchSharp;
using TorchZoo.Generation;
using TorchZoo.Losses;
using TorchZoo.Models.Sequences;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

public sealed class ParaRnnLanguageModelTests
{
    private const long Vocabulary = 11;

    private static ParaRnnLanguageModel Model(CellKind kind, Func<ParaRnnLanguageModelConfig, ParaRnnLanguageModelConfig>? change = null)
    {
        var config = new ParaRnnLanguageModelConfig { Vocabulary = Vocabulary, Dim = 8, NumLayers = 2, MlpDim = 12, Cell = kind };
        using var generator = new Generator(1);
        var model = new ParaRnnLanguageModel(change?.Invoke(config) ?? config, generator);
        model.to(ScalarType.Float64);
        return model;
    }

    private static Tensor Tokens(Generator generator, params long[] shape) =>
        randint(Vocabulary, shape, ScalarType.Int64, generator: generator);

    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    [Test]
    public void ItIsWhatItsEquationsSay([Values] CellKind kind)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        using var off = no_grad();
        var model = Model(kind, c => c with { ResidualScale = 0.75, NumLayers = 1 });
        foreach (var (_, p) in model.named_parameters()) p.add_(0.1 * randn(p.shape, ScalarType.Float64, generator: generator));
        var w = model.named_parameters().ToDictionary(p => p.name.Replace("layers.0.", "", StringComparison.Ordinal), p =>
            p.parameter.detach());
        var tokens = Tokens(generator, 3, 9);
        var x = w["embedding.weight"][tokens];
        var halves = Norm(x, "mixer_norm").matmul(w["in_proj.weight"].t()).chunk(2, -1);
        var convolved = nn.functional.conv1d(nn.functional.pad(halves[0].transpose(1, 2), [3, 0]), w["conv.weight"], w["conv.bias"],
            groups: 8).transpose(1, 2);
        var h = model.Blocks[0].Cell.forward(nn.functional.silu(convolved));
        x = 0.75 * x + (Norm(h, "gate_norm") * nn.functional.silu(halves[1])).matmul(w["out_proj.weight"].t());
        var y = Norm(x, "mlp_norm");
        x = x + (nn.functional.silu(y.matmul(w["mlp.gate_proj.weight"].t())) * y.matmul(w["mlp.up_proj.weight"].t()))
            .matmul(w["mlp.down_proj.weight"].t());
        Assert.That(Distance(model.forward(tokens), Norm(x, "norm").matmul(w["embedding.weight"].t())), Is.LessThan(1e-13));

        Tensor Norm(Tensor z, string name) => z / ((z * z).mean([-1], keepdim: true) + 1e-6).sqrt() * w[$"{name}.weight"];
    }

    [Test]
    public void StepsAndPartsGiveTheLogitsOfTheWhole([Values] CellKind kind, [Values] RecurrenceMode mode)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        using var off = no_grad();
        var model = Model(kind, c => c with { Mode = mode });
        var tokens = Tokens(generator, 2, 21);
        var (logits, last) = model.ForwardWithState(tokens);
        Assert.That(logits.shape, Is.EqualTo(new[] { 2, 21, Vocabulary }));
        // Also a part that is shorter than the convolution.
        foreach (var cut in new long[] { 1, 2, 12 })
        {
            var (first, between) = model.ForwardWithState(tokens.narrow(1, 0, cut));
            var (second, end) = model.ForwardWithState(tokens.narrow(1, cut, 21 - cut), between);
            Assert.That(Distance(cat([first, second], 1), logits), Is.LessThan(1e-12));
            foreach (var (a, b) in end.Zip(last)) Assert.That(Distance(a, b), Is.LessThan(1e-12));
        }
        IReadOnlyList<Tensor>? states = null;
        for (var t = 0; t < 21; t++)
        {
            (var one, states) = model.Step(tokens.select(1, t), states);
            Assert.That(Distance(one, logits.select(1, t)), Is.LessThan(1e-12));
            Assert.That(states.Select(s => s.shape), Is.EqualTo(last.Select(s => s.shape)));
        }
    }

    [Test]
    public void ItSeesNothingThatComesLater()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        using var off = no_grad();
        var model = Model(CellKind.Lstm);
        var tokens = Tokens(generator, 1, 12);
        var changed = tokens.clone();
        changed[0, 7] = (tokens[0, 7] + 1) % Vocabulary;
        Tensor a = model.forward(tokens), b = model.forward(changed);
        Assert.That(Distance(a.narrow(1, 0, 7), b.narrow(1, 0, 7)), Is.Zero);
        for (var t = 7; t < 12; t++) Assert.That(Distance(a[0, t], b[0, t]), Is.GreaterThan(0), $"{t}");
    }

    [Test]
    public void ItLearnsASentenceAndSaysIt([Values] CellKind kind)
    {
        using var scope = NewDisposeScope();
        using var model = Model(kind, c => c with { Dim = 16, NumLayers = 1 }).to(ScalarType.Float32);
        // What comes next isn't known by the last token alone.
        var sentence = tensor(new long[] { 1, 2, 1, 3, 1, 2, 4, 1, 5, 5, 5, 0 }).repeat(4).unsqueeze(0);
        var optimizer = new FusedAdamW(model.parameters(), lr: 1e-2);
        double loss = 0;
        for (var i = 0; i < 150; i++)
        {
            using var step = NewDisposeScope();
            var logits = model.forward(sentence.narrow(1, 0, 47));
            var value = TokenCrossEntropy.Loss(logits, sentence.narrow(1, 1, 47)) + ZLoss.UsualWeight * ZLoss.Of(logits);
            optimizer.zero_grad();
            value.backward();
            optimizer.step();
            loss = value.item<float>();
        }
        // The first tokens have nothing before them to tell by.
        Assert.That(loss, Is.LessThan(0.2));
        var said = model.Generate(sentence.narrow(1, 0, 12), 24, TokenSampler.Greedy);
        Assert.That(said.data<long>().ToArray(), Is.EqualTo(sentence.narrow(1, 12, 24).data<long>().ToArray()));
    }

    [Test]
    public void GenerationIsThatOfTheWholeTextAndFollowsItsSeed()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var model = Model(CellKind.Gru);
        var prompt = Tokens(generator, 3, 5);
        var sampler = new TokenSampler { Temperature = 0.8, TopK = 6 };
        Tensor Said()
        {
            using var seed = new Generator(6);
            return model.Generate(prompt, 15, sampler, seed);
        }
        var said = Said();
        Assert.That(said.shape, Is.EqualTo(new long[] { 3, 15 }));
        Assert.That(Said().eq(said).all().item<bool>(), Is.True);
        // The slow way: all of the text again for each token.
        using var again = new Generator(6);
        var text = prompt;
        for (var i = 0; i < 15; i++)
        {
            using var off = no_grad();
            text = cat([text, sampler.Sample(model.forward(text).select(1, -1), again).unsqueeze(1)], 1);
        }
        Assert.That(text.narrow(1, 5, 15).eq(said).all().item<bool>(), Is.True);
        Assert.That(model.Generate(prompt, 0).shape, Is.EqualTo(new long[] { 3, 0 }));
    }

    [Test]
    public void GeneratingTakesNoMoreMemoryTheLongerItGetsAndLeavesNothing()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        var model = Model(CellKind.Gru);
        var prompt = Tokens(generator, 1, 3);
        model.Generate(prompt, 2).Dispose();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        model.Generate(prompt, 40).Dispose();
        Assert.That(DisposeScopeManager.Statistics.ThreadTotalLiveCount, Is.EqualTo(before));
    }

    [Test]
    public void MlpsAreAsWideAsUsual() =>
        Assert.That(new ParaRnnLanguageModel(new ParaRnnLanguageModelConfig { Vocabulary = 63, Dim = 96 }).parameters().Sum(p => p.numel()),
            Is.EqualTo(63 * 96 + 96 + 2 * (3 * 96 + 96 * 192 + 5 * 96 + 96 * 96 + 6 * 96 + 3 * 96 * 48 + 3 * 96 * 256)));

    [Test]
    public void BadInput()
    {
        using var scope = NewDisposeScope();
        var config = new ParaRnnLanguageModelConfig { Vocabulary = Vocabulary, Dim = 8 };
        var model = new ParaRnnLanguageModel(config);
        Assert.Multiple(() =>
        {
            Assert.That(() => new ParaRnnLanguageModel(config with { Vocabulary = 0 }),
                Throws.ArgumentException.With.Message.Contains("Vocabulary"));
            Assert.That(() => new ParaRnnLanguageModel(config with { NumLayers = 0 }), Throws.ArgumentException);
            Assert.That(() => new ParaRnnLanguageModel(config with { NumHeads = 3 }), Throws.ArgumentException);
            Assert.That(() => new ParaRnnLanguageModel(config with { ConvolutionSize = 0 }), Throws.ArgumentException);
            Assert.That(() => new ParaRnnLanguageModel(config with { MlpDim = 0 }), Throws.ArgumentException);
            Assert.That(() => new ParaRnnLanguageModel(config with { ResidualScale = double.NaN }), Throws.ArgumentException);
            Assert.That(() => new ParaRnnLanguageModel(config with { Cell = (CellKind)7 }), Throws.ArgumentException);
            Assert.That(() => model.forward(zeros(2, 3)), Throws.ArgumentException.With.Property("ParamName").EqualTo("tokens"));
            Assert.That(() => model.forward(zeros([3], ScalarType.Int64)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("tokens"));
            Assert.That(() => model.forward(zeros([2, 0], ScalarType.Int64)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("tokens"));
            Assert.That(() => model.ForwardWithState(zeros([2, 3], ScalarType.Int64), [zeros(2, 3, 8)]),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("states"));
            Assert.That(() => model.Generate(zeros([2, 3], ScalarType.Int64), -1), Throws.InstanceOf<ArgumentException>());
            Assert.That(() => model.Generate(zeros([2, 3], ScalarType.Int64), 1, new() { TopK = 0 }),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("TopK"));
        });
    }
}
