using System.Text.Json.Nodes;
using NUnit.Framework;
using TorchZoo.Models.Sequences;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

[Category("Golden")]
public sealed class SparseAttentionGoldenTests
{
    private static IEnumerable<TestCaseData> Cases => GoldenCase.Of("sparse-attention");

    [TestCaseSource(nameof(Cases))]
    public void Outputs_and_gradients_are_the_references(string folder)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Load(folder);
        var config = JsonNode.Parse(golden.Config)!.AsObject();
        int Number(string name, int otherwise) => (int?)config[name] ?? otherwise;
        var mode = (string?)config["attn_mode"] ?? "";
        int n = Number("n_ctx", 0), heads = Number("heads", 1), l = Number("l", Number("local_attn_ctx", n)),
            c = Number("c", Number("vertsize", 1) * Number("blocksize", 1)), blocks = Number("num_verts", 1);
        var mask = golden.Group("mask")[""].ne(0);
        // Of all heads, or of each.
        var masks = mask.dim() == 2 ? mask.expand(heads, n, n) : mask;
        var named = Named();
        AttentionPattern[] patterns = named is not null ? [named] : [.. Enumerable.Range(0, heads).Select(OfMask)];
        for (var h = 0; h < heads; h++)
            Assert.That(patterns[patterns.Length == 1 ? 0 : h].ToMask(h).Equals(masks[h]), Is.True, $"mask of head {h}");

        using var nothing = nn.Sequential();
        foreach (var kernel in Enum.GetValues<AttentionKernel>())
            golden.Check(nothing, inputs => new Dictionary<string, Tensor>
            {
                [""] = Merge(SparseAttention.Apply(Split(inputs["q"]), Split(inputs["k"]), Split(inputs["v"]), patterns, kernel: kernel)),
            });

        Tensor Split(Tensor x) => x.reshape(x.shape[0], n, heads, -1).transpose(1, 2);

        static Tensor Merge(Tensor x) => x.transpose(1, 2).flatten(2);

        AttentionPattern? Named() => mode switch
        {
            "all" or "dense" or "causal" => AttentionPattern.Causal(n),
            "local" => AttentionPattern.Local(n, l),
            "strided" => AttentionPattern.Strided(n, l),
            "strided-merged" => AttentionPattern.StridedMerged(n, l),
            "fixed" or "fixed-merged" => AttentionPattern.Fixed(n, l, c, blocks),
            "fixed-local" => AttentionPattern.FixedLocal(n, l),
            "fixed-summary" => AttentionPattern.FixedSummary(n, l, c, blocks),
            _ => null,
        };

        // Of modes that give each head a pattern of its own: the one with the head's mask.
        AttentionPattern OfMask(int head) => new[]
        {
            AttentionPattern.Causal(n), AttentionPattern.Local(n, l), AttentionPattern.Strided(n, l), AttentionPattern.StridedMerged(n, l),
            AttentionPattern.FixedLocal(n, l), AttentionPattern.FixedSummary(n, l, c, blocks), AttentionPattern.Fixed(n, l, c, blocks),
        }.First(p => p.ToMask(head).Equals(masks[head]));
    }
}
