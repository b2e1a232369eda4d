using System.Text.Json.Nodes;
using NUnit.Framework;
using TorchSharp;
using TorchZoo.Models.Sequences;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

[Category("Golden")]
public sealed class ParaRnnGoldenTests
{
    private static IEnumerable<TestCaseData> Cases => GoldenCase.Of("pararnn");

    // Values and gradients of every mode; a cell with other nonlinearities has no kernel.
    [TestCaseSource(nameof(Cases))]
    public void States_and_gradients_are_the_references_in_every_mode(string folder)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Load(folder);
        foreach (var mode in Enum.GetValues<RecurrenceMode>())
        {
            var config = JsonNode.Parse(golden.Config)!;
            if (mode == RecurrenceMode.Fused && !IsStandard(config)) continue;
            using var cell = Cell(config, mode);
            golden.Check(cell.to(golden.Group("input")["x"].dtype), inputs =>
            {
                var (y, state) = cell.ForwardWithState(inputs["x"], inputs.GetValueOrDefault("h0"));
                return new Dictionary<string, Tensor> { [""] = y, ["final_state"] = state };
            });
        }
    }

    private static bool IsStandard(JsonNode config) => ((string?)config["cell"]!)!.StartsWith("GRU", StringComparison.Ordinal)
        ? Of(config, "nonlin_update", Nonlinearity.Sigmoid) == Nonlinearity.Sigmoid
        && Of(config, "nonlin_reset", Nonlinearity.Sigmoid) == Nonlinearity.Sigmoid
            && Of(config, "nonlin_state", Nonlinearity.Tanh) == Nonlinearity.Tanh
        : Of(config, "nonlin_f", Nonlinearity.Sigmoid) == Nonlinearity.Sigmoid
        && Of(config, "nonlin_o", Nonlinearity.Sigmoid) == Nonlinearity.Sigmoid
            && Of(config, "nonlin_c", Nonlinearity.Tanh) == Nonlinearity.Tanh
            && Of(config, "nonlin_state", Nonlinearity.Tanh) == Nonlinearity.Tanh;

    // From the reference's names; what only says how it computed (mode, iterations, sizes of the data) is not the cell's.
    private static ParaRnnCell Cell(JsonNode config, RecurrenceMode mode)
    {
        long inputs = (long)config["input_dim"]!, states = (long)config["state_dim"]!, heads = (long?)config["num_heads"] ?? 2;
        return (string?)config["cell"] switch
        {
            "GRUDiagMH" => new ParaGru(inputs, states, heads, mode, update: Of(config, "nonlin_update", Nonlinearity.Sigmoid),
                reset: Of(config, "nonlin_reset", Nonlinearity.Sigmoid), candidate: Of(config, "nonlin_state", Nonlinearity.Tanh)),
            "LSTMCIFGDiagMH" => new ParaLstm(inputs, states, heads, mode, forget: Of(config, "nonlin_f", Nonlinearity.Sigmoid),
                output: Of(config, "nonlin_o", Nonlinearity.Sigmoid), candidate: Of(config, "nonlin_c", Nonlinearity.Tanh),
                state: Of(config, "nonlin_state", Nonlinearity.Tanh)),
            var cell => throw new NotSupportedException($"cell {cell}"),
        };
    }

    private static Nonlinearity Of(JsonNode config, string name, Nonlinearity otherwise) => (string?)config[name] is { } value
        ? Enum.Parse<Nonlinearity>(value.Replace("_", "", StringComparison.Ordinal), ignoreCase: true) : otherwise;
}
