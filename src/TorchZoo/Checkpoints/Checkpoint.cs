using TorchZoo.Checkpoints.PyTorch;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>
/// A run's state as a file that <c>torch.load(weights_only=True)</c> opens too: a dictionary of <c>model</c> {name, config, state_dict},
/// <c>modules</c> (state dicts of what belongs to the model, such as normalisers), <c>optimizer</c>, <c>scheduler</c>, <c>trainer</c>,
/// <c>rng</c>, <c>notes</c> and <c>format_version</c>. A bare state dict, or a dictionary with one under <c>state_dict</c>, loads as well.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    /// <summary>The version of the layout that this library writes.</summary>
    public const long FormatVersion = 1;

    // Names of strings in safetensors files.
    private const string NameString = "torchzoo.model", ConfigString = "torchzoo.config";

    private readonly PyDict _root;
    private readonly PyDict _state;

    private Checkpoint(string path, PyDict root, PyDict state, PyDict? model)
    {
        (Path, _root, _state) = (path, root, state);
        if (model is null) return;
        ModelName = model.TryGet<string>("name", out var name) ? name : null;
        ModelConfig = model.TryGet<string>("config", out var config) ? config : null;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The module's name in <see cref="Zoo"/>; null for a bare state dict.</summary>
    public string? ModelName { get; }

    /// <summary>The module's configuration (JSON); null for a bare state dict.</summary>
    public string? ModelConfig { get; }

    /// <summary>The weights. They live as long as this object.</summary>
    public IReadOnlyDictionary<string, Tensor> State => _state.ToTensors();

    /// <summary>Text that the run left, e.g. which data the model was trained on.</summary>
    public IReadOnlyDictionary<string, string> Notes =>
        _root.TryGet<PyDict>("notes", out var notes) ? notes.ToDictionary(n => (string)n.Key!, n => (string)n.Value!) : [];

    /// <summary>Names of what the file holds beside the weights and what describes their model, e.g. the state of a run.</summary>
    public IReadOnlyList<string> Others => ReferenceEquals(_root, _state)
        ? []
        : [.. _root.Where(item => item.Key is not "format_version" && !IsModel(item.Value)).Select(item => PyKey.Printable($"{item.Key}"))];

    /// <summary>Optimizer states, in the order of the step's optimizers.</summary>
    internal IReadOnlyList<PyDict> Optimizers => [.. Required<List<object?>>("optimizer").Cast<PyDict>()];

    /// <summary>Reads a file of PyTorch's format, or of safetensors (<c>.safetensors</c>, or the index of several). All of it is checked;
    /// nothing in it is executed.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no checkpoint, damaged, or of a later version of the layout.</exception>
    public static Checkpoint Load(string path)
    {
        if (SafetensorsFile.IsNamed(path)) return FromSafetensors(path);
        var tree = PyTorchFile.Load(path);
        try
        {
            if (tree is not PyDict root) throw new InvalidDataException($"a checkpoint is a dictionary; this file holds {PyTree.Describe(tree)}");
            if (!root.TryGet<long>("format_version", out var version)) return new Checkpoint(path, root, PyTorchFile.FindStateDict(root), null);
            if (version > FormatVersion) throw new InvalidDataException($"layout version {version} is newer than this library's {FormatVersion}");
            var model = root.Get<PyDict>("model");
            return new Checkpoint(path, root, model.Get<PyDict>("state_dict"), model);
        }
        catch (InvalidDataException e)
        {
            PyTree.DisposeTensors(tree);
            throw PyTorchFile.Damaged(path, e);
        }
    }

    /// <summary>
    /// Writes the weights of this checkpoint, with its model's name and configuration, to a safetensors file; <see cref="Load"/> and
    /// <see cref="Zoo.Load(string)"/> read it again.
    /// </summary>
    /// <exception cref="ArgumentException">A weight is of a dtype that the format doesn't have.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveSafetensors(string path)
    {
        // Other libraries look for this entry before they look at tensors.
        var strings = new Dictionary<string, string> { ["format"] = "pt" };
        if (ModelName is not null) strings[NameString] = ModelName;
        if (ModelConfig is not null) strings[ConfigString] = ModelConfig;
        SafetensorsFile.Save(path, State, strings);
    }

    /// <summary>
    /// Writes the weights of this checkpoint to a file of PyTorch's format: with its model's name and configuration in the layout above if
    /// there are any, else as a bare state dict. The state of a run is left out.
    /// </summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path)
    {
        var state = PyDict.FromTensors(State);
        foreach (var (name, value) in _state.Attributes) state.Attributes[name] = value;
        PyTorchFile.Save(path, ModelName is null ? state : new PyDict
        {
            ["format_version"] = FormatVersion,
            ["model"] = new PyDict { ["name"] = ModelName, ["config"] = ModelConfig, ["state_dict"] = state },
        });
    }

    /// <summary>Copies the weights into a module.</summary>
    /// <exception cref="ArgumentException">They don't fit; the message names all keys that are missing, unexpected or of another shape.</exception>
    public void LoadInto(nn.Module module) => StateDict.Load(module, State, strict: true);

    /// <summary>Copies the weights of a module that was saved beside the model, such as a normaliser.</summary>
    /// <exception cref="InvalidDataException">The file has no such module.</exception>
    /// <exception cref="ArgumentException">The weights don't fit.</exception>
    public void LoadModule(string name, nn.Module module)
    {
        if (!Required<PyDict>("modules").TryGet<PyDict>(name, out var state)) throw new InvalidDataException($"{Path} holds no module '{name}'");
        StateDict.Load(module, state.ToTensors(), strict: true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        PyTree.DisposeTensors(_root);
        PyTree.DisposeTensors(_state);
    }

    internal PyDict Section(string name) => Required<PyDict>(name);

    internal PyDict? TrySection(string name) => _root.TryGet<PyDict>(name, out var section) ? section : null;

    /// <summary>Writes a file atomically: whoever reads it finds the old one or the new one, also after a crash.</summary>
    internal static void Save(string path, PyDict root) => PyTorchFile.Save(path, root);

    /// <summary>The entry <c>model</c>: what <see cref="Zoo.Load(string)"/> needs.</summary>
    internal static PyDict Describe(nn.Module module) => new()
    {
        ["name"] = Zoo.NameOf(module),
        ["config"] = module is IConfigured configured ? ConfigJson.Write(configured.Config) : null,
        ["state_dict"] = StateOf(module),
    };

    internal static PyDict StateOf(nn.Module module) =>
        PyDict.FromTensors(StateDict.Entries(module).Select(e => KeyValuePair.Create(e.Key, e.Show())));

    private static Checkpoint FromSafetensors(string path)
    {
        var state = PyDict.FromTensors(SafetensorsFile.Load(path));
        var strings = SafetensorsFile.MetadataOf(path);
        var others = new PyDict();
        foreach (var (name, value) in strings)
            if (name is not ("format" or NameString or ConfigString)) others.Add(name, value);
        return new Checkpoint(path, others, state, new PyDict { ["name"] = strings.GetValueOrDefault(NameString), ["config"] = strings.GetValueOrDefault(ConfigString) });
    }

    // The state dict, or the entry that it is in.
    private bool IsModel(object? value) =>
        ReferenceEquals(value, _state) || value is PyDict dict && dict.Values.Any(inner => ReferenceEquals(inner, _state));

    private T Required<T>(string name) => _root.TryGet<T>(name, out var value)
        ? value
        : throw new InvalidDataException($"{Path} holds weights but not the state of a run: it has no '{name}'");
}
