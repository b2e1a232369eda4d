using TorchZoo.Checkpoints;
using TorchZoo.Data;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// Mean and standard deviation of inputs and outputs, one number each: point-wise ones would tie the network to one grid. They are part of
/// the trained operator and saved in its checkpoint.
/// </summary>
internal sealed record Normalisers(UnitGaussianNormalizer Input, UnitGaussianNormalizer Output)
{
    private const string InputName = "input_normalizer", OutputName = "output_normalizer";

    public IReadOnlyDictionary<string, nn.Module> Modules => new Dictionary<string, nn.Module> { [InputName] = Input, [OutputName] = Output };

    public static Normalisers Fit(PairDataset train) => new(UnitGaussianNormalizer.Fit(train.Inputs), UnitGaussianNormalizer.Fit(train.Targets));

    /// <summary>One for both sides, for predictions that are fed back as inputs.</summary>
    public static Normalisers FitToInputs(PairDataset train) => new(UnitGaussianNormalizer.Fit(train.Inputs), UnitGaussianNormalizer.Fit(train.Inputs));

    public static Normalisers Load(Checkpoint checkpoint)
    {
        var normalisers = new Normalisers(new UnitGaussianNormalizer([]), new UnitGaussianNormalizer([]));
        foreach (var (name, module) in normalisers.Modules) checkpoint.LoadModule(name, module);
        return normalisers;
    }

    /// <summary>Normalised inputs; targets stay as they are, for the loss is taken on decoded outputs.</summary>
    public PairDataset Encode(PairDataset data)
    {
        // The normalisers follow the model to a GPU; the data sets stay where they are.
        using var off = no_grad();
        return new PairDataset(Input.Encode(data.Inputs.to(Input.Mean.device)).to(data.Inputs.device), data.Targets);
    }

    /// <summary>From functions to functions, as a user would call the operator.</summary>
    public Tensor Apply(nn.Module<Tensor, Tensor> model, Tensor input)
    {
        using var scope = NewDisposeScope();
        var output = model.call(Input.Encode(input.to(Input.Mean.device)));
        return Output.Decode(output).to(input.device).MoveToOuterDisposeScope();
    }
}
