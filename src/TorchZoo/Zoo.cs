using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;

namespace TorchZoo;

/// <summary>A paper of the zoo.</summary>
/// <param name="Slug">Short name, as on the command line.</param>
/// <param name="Title">Title.</param>
/// <param name="ArXiv">arXiv number.</param>
/// <param name="Year">Year of the first version.</param>
/// <param name="Family">Family, e.g. Operators.</param>
/// <param name="Type">The paper's principal type.</param>
public sealed record Paper(string Slug, string Title, string ArXiv, int Year, string Family, Type Type)
{
    /// <summary>The paper's folder within its project, which has the name of the principal type: Operators/Fno for
    /// <c>TorchZoo.Models.Operators.Fno</c>.</summary>
    public string Folder => $"{Family}/{Type.Name}";

    /// <summary>The paper's card (Markdown): the README.md in its folder, embedded in the assembly. Null if it has none.</summary>
    public string? Card()
    {
        using var stream = Type.Assembly.GetManifestResourceStream($"{Folder}/README.md");
        if (stream is null) return null;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

/// <summary>
/// The registry: what papers there are, their modules by name, and modules out of checkpoint files. It finds what carries
/// <see cref="PaperAttribute"/> and <see cref="ModelAttribute"/> in the assemblies that use this one; nothing is listed by hand.
/// </summary>
public static class Zoo
{
    private static readonly Lock Gate = new();
    private static readonly HashSet<string> Examined = [];
    private static readonly HashSet<Assembly> Seen = [];
    private static readonly SortedDictionary<string, Paper> Papers = new(StringComparer.Ordinal);
    private static readonly SortedDictionary<string, Type> Models = new(StringComparer.Ordinal);

    /// <summary>All papers, by slug.</summary>
    /// <param name="family">Only this family, e.g. <c>"Operators"</c>; null: all.</param>
    public static IReadOnlyList<Paper> List(string? family = null)
    {
        lock (Gate)
        {
            Discover();
            return [.. Papers.Values.Where(p => family is null || p.Family.Equals(family, StringComparison.OrdinalIgnoreCase))];
        }
    }

    /// <summary>The names of all modules that <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> ModelNames()
    {
        lock (Gate)
        {
            Discover();
            return [.. Models.Keys];
        }
    }

    /// <summary>A paper by its slug.</summary>
    /// <exception cref="ArgumentException">There is none of that name; the message names the nearest.</exception>
    public static Paper Find(string slug)
    {
        lock (Gate)
        {
            Discover();
            return Papers.TryGetValue(slug, out var paper) ? paper : throw Unknown("paper", slug, Papers.Keys, nameof(slug));
        }
    }

    /// <summary>Makes a module with fresh weights.</summary>
    /// <param name="name">The module's name, e.g. <c>"fno"</c>.</param>
    /// <param name="config">Its configuration, e.g. an <c>FnoConfig</c>.</param>
    /// <exception cref="ArgumentException">No such module, or a configuration of another type.</exception>
    public static nn.Module Create(string name, object config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var (type, constructor, configType) = Describe(name);
        if (!configType.IsInstanceOfType(config))
            throw new ArgumentException($"{name} ({type.Name}) takes a {configType.Name}, not a {config.GetType().Name}", nameof(config));
        return Construct(constructor, config);
    }

    /// <summary>Makes a module with fresh weights from the text of its configuration, as a checkpoint holds it.</summary>
    /// <exception cref="ArgumentException">No such module, or no valid configuration of it.</exception>
    public static nn.Module CreateFromJson(string name, string config)
    {
        var (_, constructor, configType) = Describe(name);
        return Construct(constructor, ConfigJson.Read(config, configType));
    }

    /// <summary>Makes the module that a checkpoint describes and loads its weights. It is in evaluation mode and on the CPU.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, hostile, or its weights don't fit its configuration.</exception>
    /// <exception cref="ArgumentException">The file names no module, one that this program doesn't know, or a configuration it doesn't
    /// understand. A bare state dict names none: make the module first, then <see cref="Checkpoint.LoadInto"/>.</exception>
    public static nn.Module Load(string path)
    {
        using var checkpoint = Checkpoint.Load(path);
        return Load(checkpoint);
    }

    /// <inheritdoc cref="Load(string)"/>
    public static nn.Module Load(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        if (checkpoint.ModelName is null || checkpoint.ModelConfig is null)
            throw new ArgumentException($"{checkpoint.Path} holds weights without the name and configuration of their module. "
                + "Create the module and use Checkpoint.LoadInto.", nameof(checkpoint));
        var module = CreateFromJson(checkpoint.ModelName, checkpoint.ModelConfig);
        checkpoint.LoadInto(module);
        module.eval();
        return module;
    }

    /// <inheritdoc cref="Load(string)"/>
    /// <typeparam name="TModule">The type of module expected.</typeparam>
    /// <exception cref="ArgumentException">The file holds another type of module.</exception>
    public static TModule Load<TModule>(string path) where TModule : nn.Module
    {
        using var checkpoint = Checkpoint.Load(path);
        return Load<TModule>(checkpoint);
    }

    /// <inheritdoc cref="Load{TModule}(string)"/>
    public static TModule Load<TModule>(Checkpoint checkpoint) where TModule : nn.Module =>
        Load(checkpoint) is var module && module is TModule typed
            ? typed
            : throw new ArgumentException(
                $"{checkpoint.Path} holds a {module.GetType().Name}, not a {typeof(TModule).Name}", nameof(checkpoint));

    /// <summary>Writes a module's weights with its name and configuration, for <see cref="Load(string)"/>: what a <see cref="Training.Trainer"/>
    /// writes, without the state of a training. PyTorch reads the file too.</summary>
    /// <param name="module">A module with a <see cref="ModelAttribute"/> and a configuration.</param>
    /// <param name="path">The file. It is replaced as a whole or not at all.</param>
    /// <param name="notes">Text to keep with it.</param>
    /// <exception cref="ArgumentException">The module has no name or no configuration: save its state dict
    /// (<see cref="PyTorchFile.Save"/>).</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(nn.Module module, string path, IReadOnlyDictionary<string, string>? notes = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (NameOf(module) is null || module is not IConfigured)
            throw new ArgumentException($"A {module.GetType().Name} has no registered name or no configuration: save its state dict",
                nameof(module));
        using var scope = NewDisposeScope();
        var root = new PyDict { ["format_version"] = Checkpoint.FormatVersion, ["model"] = Checkpoint.Describe(module) };
        if (notes is not null)
        {
            var texts = new PyDict();
            foreach (var (name, text) in notes) texts.Add(name, text);
            root["notes"] = texts;
        }
        Checkpoint.Save(path, root);
    }

    /// <summary>The name under which a module's type is registered, and null if it isn't.</summary>
    public static string? NameOf(nn.Module module) => module.GetType().GetCustomAttribute<ModelAttribute>()?.Name;

    private static (Type Type, ConstructorInfo Constructor, Type Config) Describe(string name)
    {
        lock (Gate)
        {
            Discover();
            if (!Models.TryGetValue(name, out var type)) throw Unknown("model", name, Models.Keys, nameof(name));
            var constructor = type.GetConstructors().SingleOrDefault(c => c.GetParameters() is [_, .. var rest] && rest.All(p => p.IsOptional) && IsRecord(c.GetParameters()[0].ParameterType))
                ?? throw new InvalidOperationException($"{type} needs one public constructor that takes its configuration record");
            return (type, constructor, constructor.GetParameters()[0].ParameterType);
        }
    }

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null;

    private static nn.Module Construct(ConstructorInfo constructor, object config)
    {
        var arguments = constructor.GetParameters().Select((p, i) => i == 0 ? config : p.DefaultValue).ToArray();
        return (nn.Module)constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, arguments, null);
    }

    private static ArgumentException Unknown(string what, string name, IEnumerable<string> known, string parameter)
    {
        var nearest = Spelling.Nearest(name, known);
        return new ArgumentException($"There is no {what} '{name}'.{(nearest is null ? "" : $" Did you mean '{nearest}'?")}", parameter);
    }

    // An assembly is loaded when its first type is used, and the compiler drops a reference that no type needs: a program that only says
    // Zoo.Create("fno", …) has not loaded TorchZoo.Models. So look at the files of the program too, at their metadata, without loading them.
    private static void Discover()
    {
        var self = typeof(Zoo).Assembly.GetName().Name!;
        foreach (var file in ProgramFiles())
            if (Examined.Add(file) && References(file, self)) TryLoad(AssemblyName.GetAssemblyName(file));
        foreach (var assembly in AppDomain.CurrentDomain.GetAssemblies())
        {
            if (!Seen.Add(assembly) || assembly.GetReferencedAssemblies().All(r => r.Name != self)) continue;
            foreach (var type in assembly.GetTypes()) Add(type);
        }
    }

    private static IEnumerable<string> ProgramFiles() =>
        ((string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "").Split(Path.PathSeparator)
            .Where(f => f.StartsWith(AppContext.BaseDirectory, StringComparison.Ordinal));

    private static bool References(string file, string name)
    {
        try
        {
            using var image = new PEReader(File.OpenRead(file));
            if (!image.HasMetadata) return false;
            var metadata = image.GetMetadataReader();
            return metadata.AssemblyReferences.Any(r => metadata.StringComparer.Equals(metadata.GetAssemblyReference(r).Name, name));
        }
        catch (Exception e) when (e is IOException or BadImageFormatException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void TryLoad(AssemblyName name)
    {
        try { Assembly.Load(name); }
        catch (Exception e) when (e is FileNotFoundException or FileLoadException or BadImageFormatException) { }
    }

    private static void Add(Type type)
    {
        if (type.GetCustomAttribute<PaperAttribute>() is { } paper)
        {
            var family = type.Namespace?.Split('.')[^1] ?? "";
            if (!Papers.TryAdd(paper.Slug, new Paper(paper.Slug, paper.Title, paper.ArXiv, paper.Year, family, type)))
                throw new InvalidOperationException($"Two types claim the paper '{paper.Slug}': {Papers[paper.Slug].Type} and {type}");
        }
        if (type.GetCustomAttribute<ModelAttribute>() is { } model && !Models.TryAdd(model.Name, type))
            throw new InvalidOperationException($"Two types claim the model name '{model.Name}': {Models[model.Name]} and {type}");
    }
}
